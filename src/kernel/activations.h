// f beside its derivative: twin of activations.py.
#pragma once
#include "elementary.h"
#include "registry.h"

namespace glassnet::GLASSNET_LEVEL {

// h = z        dh/dz = 1
struct Identity {
  static constexpr const char* name = "identity";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z;
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T, T) {
    return T(1);
  }
};

// h = 1 / (1 + e⁻ᶻ)        dh/dz = h(1 − h)
struct Logistic {
  static constexpr const char* name = "logistic";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return T(1) / (T(1) + exp(-z));
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T, T h) {
    return h * (T(1) - h);
  }
};

// h = tanh z        dh/dz = 1 − h²
struct Tanh {
  static constexpr const char* name = "tanh";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return tanh(z);
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T, T h) {
    return T(1) - h * h;
  }
};

// h = max(z, 0)        dh/dz = 1 where z > 0, else 0
struct Relu {
  static constexpr const char* name = "relu";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z < T(0) ? T(0) : z;  // so that nan stays nan
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T) {
    return z > T(0) ? T(1) : T(0);
  }
};

// h = z σ(z), σ the logistic function        dh/dz = σ(1 + z(1 − σ))
struct Silu {
  static constexpr const char* name = "silu";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z * Logistic::call(z);
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T) {
    const T s = Logistic::call(z);
    return s * (T(1) + z * (T(1) - s));
  }
};

// h = z where z > 0, else 0.01 z        dh/dz = 1, else 0.01
struct LeakyRelu {
  static constexpr const char* name = "leaky_relu";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z > T(0) ? z : T(0.01) * z;
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T) {
    return z > T(0) ? T(1) : T(0.01);
  }
};

// h = z where z > 0, else eᶻ − 1        dh/dz = 1, else h + 1
struct Elu {
  static constexpr const char* name = "elu";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z > T(0) ? z : expm1(z > T(0) ? T(0) : z);
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T h) {
    return z > T(0) ? T(1) : h + T(1);
  }
};

// h = λz where z > 0, else λα(eᶻ − 1)        dh/dz = λ, else h + λα
struct Selu {
  static constexpr const char* name = "selu";
  static constexpr double lambda = 1.0507009873554805, lambda_alpha = 1.7580993408473768;
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z > T(0) ? T(lambda) * z : T(lambda_alpha) * expm1(z > T(0) ? T(0) : z);
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T h) {
    return z > T(0) ? T(lambda) : h + T(lambda_alpha);
  }
};

// h = ln(1 + eᶻ) = max(z, 0) + ln(1 + e^−|z|)        dh/dz = σ(z)
struct Softplus {
  static constexpr const char* name = "softplus";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return (z < T(0) ? T(0) : z) + log1p(exp(-std::fabs(z)));
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T) {
    return Logistic::call(z);
  }
};

// h = z t, t = tanh(ln(1 + eᶻ))        dh/dz = t + z σ(z)(1 − t²)
struct Mish {
  static constexpr const char* name = "mish";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z * tanh(Softplus::call(z));
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T) {
    const T t = tanh(Softplus::call(z));
    return t + z * (Logistic::call(z) * (T(1) - t * t));
  }
};

// h = ½z(1 + t), t = tanh(√(2/π)(z + 0.044715 z³))        dh/dz = ½(1 + t) + ½z(1 − t²)√(2/π)(1 + 0.134145 z²)
struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr double root = 0.7978845608028654, cubic = 0.044715;
  template <class T>
  GLASSNET_INLINE static T bend(T z) {
    return tanh(T(root) * (z + T(cubic) * (z * z * z)));
  }
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return T(0.5) * z * (T(1) + bend(z));
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T) {
    const T t = bend(z);
    return T(0.5) * (T(1) + t) + T(0.5) * z * (T(1) - t * t) * (T(root) * (T(1) + T(3 * cubic) * (z * z)));
  }
};

// h = sin z        dh/dz = cos z
struct Sine {
  static constexpr const char* name = "sine";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return sin(z);
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T) {
    return cos(z);
  }
};

// h = z²        dh/dz = 2z
struct Square {
  static constexpr const char* name = "square";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z * z;
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T z, T) {
    return T(2) * z;
  }
};

// h = 1 where z > 0, else 0        dh/dz = 0: a slope that teaches nothing
struct Step {
  static constexpr const char* name = "step";
  template <class T>
  GLASSNET_INLINE static T call(T z) {
    return z > T(0) ? T(1) : T(0);
  }
  template <class T>
  GLASSNET_INLINE static T derivative(T, T) {
    return T(0);
  }
};

using Activations =
    Registry<Identity, Logistic, Tanh, Relu, Silu, LeakyRelu, Elu, Selu, Softplus, Mish, Gelu, Sine, Square, Step>;

}  // namespace glassnet::GLASSNET_LEVEL

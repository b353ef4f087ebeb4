// f beside its derivative: twin of activations.py.
#pragma once
#include "elementary.h"
#include "registry.h"

namespace glassnet::GLASSNET_LEVEL {

// h = z        dh/dz = 1
struct Identity {
  static constexpr const char* name = "identity";
  template <class T>
  static T call(T z) {
    return z;
  }
  template <class T>
  static T derivative(T, T) {
    return T(1);
  }
};

// h = 1 / (1 + e⁻ᶻ)        dh/dz = h(1 − h)
struct Logistic {
  static constexpr const char* name = "logistic";
  template <class T>
  static T call(T z) {
    return T(1) / (T(1) + exp(-z));
  }
  template <class T>
  static T derivative(T, T h) {
    return h * (T(1) - h);
  }
};

// h = tanh z        dh/dz = 1 − h²
struct Tanh {
  static constexpr const char* name = "tanh";
  template <class T>
  static T call(T z) {
    return tanh(z);
  }
  template <class T>
  static T derivative(T, T h) {
    return T(1) - h * h;
  }
};

// h = max(z, 0)        dh/dz = 1 where z > 0, else 0
struct Relu {
  static constexpr const char* name = "relu";
  template <class T>
  static T call(T z) {
    return z < T(0) ? T(0) : z;  // so that nan stays nan
  }
  template <class T>
  static T derivative(T z, T) {
    return z > T(0) ? T(1) : T(0);
  }
};

// h = z σ(z), σ the logistic function        dh/dz = σ(1 + z(1 − σ))
struct Silu {
  static constexpr const char* name = "silu";
  template <class T>
  static T call(T z) {
    return z * Logistic::call(z);
  }
  template <class T>
  static T derivative(T z, T) {
    const T s = Logistic::call(z);
    return s * (T(1) + z * (T(1) - s));
  }
};

using Activations = Registry<Identity, Logistic, Tanh, Relu, Silu>;

}  // namespace glassnet::GLASSNET_LEVEL

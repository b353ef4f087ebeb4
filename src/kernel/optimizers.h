// From a gradient to a step: twin of optimizers.py. One call moves `count` parameters that lie side by side, at a rate
// that is the learning rate times `correction`, which is asked for once a step.
#pragma once
#include <cmath>
#include <cstdint>

#include "registry.h"
#include "simd.h"

namespace glassnet::GLASSNET_LEVEL {

constexpr int MOST_MOMENTS = 2;

// u ← μu − ηg        θ ← θ + u, or with Nesterov's look-ahead θ ← θ + μu − ηg        hyper = (μ, look-ahead)
struct SGD {
  static constexpr const char* name = "sgd";
  static constexpr int moments = 1;
  static double correction(const double*, std::int64_t) { return 1; }
  template <class T>
  static void update(T* GLASSNET_RESTRICT theta, const T* GLASSNET_RESTRICT g, T* const* moment, Index count,
                     const double* hyper, double rate) {
    T* GLASSNET_RESTRICT u = moment[0];
    const T mu = T(hyper[0]), eta = T(rate);
    if (hyper[1] != 0) {
      for (Index i = 0; i < count; ++i) {
        u[i] = mu * u[i] - eta * g[i];
        theta[i] += mu * u[i] - eta * g[i];
      }
    } else {
      for (Index i = 0; i < count; ++i) {
        u[i] = mu * u[i] - eta * g[i];
        theta[i] += u[i];
      }
    }
  }
};

// m ← β₁m + (1 − β₁)g        v ← β₂v + (1 − β₂)g²        θ ← θ − ηₜ m / (√v + ε)        hyper = (β₁, β₂, ε)
// ηₜ = η √(1 − β₂ᵗ) / (1 − β₁ᵗ)
struct Adam {
  static constexpr const char* name = "adam";
  static constexpr int moments = 2;
  static double correction(const double* hyper, std::int64_t step) {
    return std::sqrt(1 - power(hyper[1], step)) / (1 - power(hyper[0], step));
  }
  // βᵗ; where it is too small to change 1, not worked out.
  static double power(double beta, std::int64_t step) {
    return double(step) * (1 - beta) > 40 ? 0 : std::pow(beta, double(step));
  }
  template <class T>
  static void update(T* GLASSNET_RESTRICT theta, const T* GLASSNET_RESTRICT g, T* const* moment, Index count,
                     const double* hyper, double rate) {
    T *GLASSNET_RESTRICT m = moment[0], *GLASSNET_RESTRICT v = moment[1];
    const T b1 = T(hyper[0]), b2 = T(hyper[1]), e = T(hyper[2]), c1 = T(1 - hyper[0]), c2 = T(1 - hyper[1]);
    const T eta = T(rate);
    for (Index i = 0; i < count; ++i) {
      m[i] = b1 * m[i] + c1 * g[i];
      v[i] = b2 * v[i] + c2 * (g[i] * g[i]);
      theta[i] -= eta * m[i] / (std::sqrt(v[i]) + e);
    }
  }
};

// SGD that looks ahead.
struct Nesterov : SGD {
  static constexpr const char* name = "nesterov";
};

// Adam; what makes it AdamW, the decoupled weight decay, every optimizer may have.
struct AdamW : Adam {
  static constexpr const char* name = "adamw";
};

// v ← ρv + (1 − ρ)g²        u ← μu + g / (√v + ε)        θ ← θ − ηu        hyper = (ρ, μ, ε)
struct RMSprop {
  static constexpr const char* name = "rmsprop";
  static constexpr int moments = 2;
  static double correction(const double*, std::int64_t) { return 1; }
  template <class T>
  static void update(T* GLASSNET_RESTRICT theta, const T* GLASSNET_RESTRICT g, T* const* moment, Index count,
                     const double* hyper, double rate) {
    T *GLASSNET_RESTRICT v = moment[0], *GLASSNET_RESTRICT u = moment[1];
    const T rho = T(hyper[0]), rest = T(1 - hyper[0]), mu = T(hyper[1]), e = T(hyper[2]), eta = T(rate);
    for (Index i = 0; i < count; ++i) {
      v[i] = rho * v[i] + rest * (g[i] * g[i]);
      u[i] = mu * u[i] + g[i] / (std::sqrt(v[i]) + e);
      theta[i] -= eta * u[i];
    }
  }
};

using Optimizers = Registry<SGD, Nesterov, Adam, AdamW, RMSprop>;

}  // namespace glassnet::GLASSNET_LEVEL

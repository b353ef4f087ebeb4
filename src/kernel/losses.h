// L beside ∂L/∂y: twin of losses.py. `row` is the loss of one row of k targets, `slope` its derivative into dy.
#pragma once
#include "elementary.h"
#include "registry.h"

namespace glassnet::GLASSNET_LEVEL {

// A loss without numbers of its own; one score for each target.
struct PlainLoss {
  static constexpr int width = 1;
  explicit PlainLoss(const double*) {}
};

// ℓ = Σ(y − t)² / 2        ∂ℓ/∂y = y − t
struct SquaredError : PlainLoss {
  static constexpr const char* name = "squared_error";
  using PlainLoss::PlainLoss;
  template <class T>
  T row(const T* y, const T* t, int k) const {
    T sum = 0;
    for (int j = 0; j < k; ++j) sum += (y[j] - t[j]) * (y[j] - t[j]);
    return T(0.5) * sum;
  }
  template <class T>
  void slope(const T* y, const T* t, T* dy, int k) const {
    for (int j = 0; j < k; ++j) dy[j] = y[j] - t[j];
  }
};

// ℓ = Σ|y − t|        ∂ℓ/∂y = sign(y − t), 0 where they are equal
struct AbsoluteError : PlainLoss {
  static constexpr const char* name = "absolute_error";
  using PlainLoss::PlainLoss;
  template <class T>
  T row(const T* y, const T* t, int k) const {
    T sum = 0;
    for (int j = 0; j < k; ++j) sum += std::fabs(y[j] - t[j]);
    return sum;
  }
  template <class T>
  void slope(const T* y, const T* t, T* dy, int k) const {
    for (int j = 0; j < k; ++j) {
      const T r = y[j] - t[j];
      dy[j] = r > T(0) ? T(1) : r < T(0) ? T(-1) : r;  // nan stays nan
    }
  }
};

// ℓ = Σ r²/2 where |r| ≤ δ, else δ|r| − δ²/2, r = y − t        ∂ℓ/∂y = r held within ±δ
struct Huber {
  static constexpr const char* name = "huber";
  static constexpr int width = 1;
  double delta;
  explicit Huber(const double* hyper) : delta(hyper[0]) {}
  template <class T>
  T row(const T* y, const T* t, int k) const {
    const T d = T(delta);
    T sum = 0;
    for (int j = 0; j < k; ++j) {
      const T r = std::fabs(y[j] - t[j]);
      sum += r <= d ? T(0.5) * (r * r) : d * (r - T(0.5 * delta));
    }
    return sum;
  }
  template <class T>
  void slope(const T* y, const T* t, T* dy, int k) const {
    const T d = T(delta);
    for (int j = 0; j < k; ++j) {
      const T r = y[j] - t[j];
      dy[j] = r < -d ? -d : r > d ? d : r;
    }
  }
};

// ℓ = Σ q(t − y) where t > y, else (1 − q)(y − t)        ∂ℓ/∂y = −q, else 1 − q; 0 where equal
struct Quantile {
  static constexpr const char* name = "quantile";
  static constexpr int width = 1;
  double quantile;
  explicit Quantile(const double* hyper) : quantile(hyper[0]) {}
  template <class T>
  T row(const T* y, const T* t, int k) const {
    T sum = 0;
    for (int j = 0; j < k; ++j) sum += t[j] > y[j] ? T(quantile) * (t[j] - y[j]) : T(1 - quantile) * (y[j] - t[j]);
    return sum;
  }
  template <class T>
  void slope(const T* y, const T* t, T* dy, int k) const {
    for (int j = 0; j < k; ++j) dy[j] = t[j] > y[j] ? T(-quantile) : t[j] < y[j] ? T(1 - quantile) : T(0);
  }
};

// ℓ = Σ ½(ln 2π + v + (t − μ)² e⁻ᵛ)        ∂ℓ/∂μ = (μ − t)e⁻ᵛ, ∂ℓ/∂v = ½(1 − (t − μ)² e⁻ᵛ)        y = (μ, v)
struct Gaussian {
  static constexpr const char* name = "gaussian";
  static constexpr int width = 2;
  explicit Gaussian(const double*) {}
  template <class T>
  T row(const T* y, const T* t, int k) const {
    T sum = 0;
    for (int j = 0; j < k; ++j) {
      const T r = t[j] - y[j], v = y[k + j];
      sum += T(0.5) * (T(1.8378770664093453) + (v + r * r * exp(-v)));
    }
    return sum;
  }
  template <class T>
  void slope(const T* y, const T* t, T* dy, int k) const {
    for (int j = 0; j < k; ++j) {
      const T r = t[j] - y[j], precision = exp(-y[k + j]);
      dy[j] = -r * precision;
      dy[k + j] = T(0.5) * (T(1) - r * r * precision);
    }
  }
};

// ℓ = Σ max(y, 0) − ty + ln(1 + e^−|y|)        ∂ℓ/∂y = p − t        p = 1 / (1 + e⁻ʸ)        t smoothed
struct BinaryCrossEntropy {
  static constexpr const char* name = "binary_cross_entropy";
  static constexpr int width = 1;
  double smoothing;
  explicit BinaryCrossEntropy(const double* hyper) : smoothing(hyper[0]) {}
  template <class T>
  T row(const T* y, const T* t, int k) const {
    T sum = 0;
    for (int j = 0; j < k; ++j)
      sum += ((y[j] < T(0) ? T(0) : y[j]) - smoothed(t[j]) * y[j]) + log1p(exp(-std::fabs(y[j])));
    return sum;
  }
  template <class T>
  void slope(const T* y, const T* t, T* dy, int k) const {
    for (int j = 0; j < k; ++j) dy[j] = T(1) / (T(1) + exp(-y[j])) - smoothed(t[j]);
  }
  template <class T>
  T smoothed(T t) const {
    return T(1 - smoothing) * t + T(0.5 * smoothing);
  }
};

// ℓ = Σ t (ln Σeʸ − y)        ∂ℓ/∂y = p Σt − t        p = eʸ / Σeʸ, both taken from the largest y        t smoothed
struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  static constexpr int width = 1;
  double smoothing;
  explicit CrossEntropy(const double* hyper) : smoothing(hyper[0]) {}
  template <class T>
  T row(const T* y, const T* t, int k) const {
    const T top = largest(y, k), share = T(smoothing / k) * total(t, k);
    T powers = 0, sum = 0;
    for (int j = 0; j < k; ++j) powers += exp(y[j] - top);
    const T log_sum = top + log(powers);
    for (int j = 0; j < k; ++j) sum += (T(1 - smoothing) * t[j] + share) * (log_sum - y[j]);
    return sum;
  }
  template <class T>
  void slope(const T* y, const T* t, T* dy, int k) const {
    const T top = largest(y, k), targets = total(t, k), share = T(smoothing / k) * targets;
    T powers = 0;
    for (int j = 0; j < k; ++j) dy[j] = exp(y[j] - top);
    for (int j = 0; j < k; ++j) powers += dy[j];
    for (int j = 0; j < k; ++j) dy[j] = dy[j] / powers * targets - (T(1 - smoothing) * t[j] + share);
  }
  template <class T>
  static T largest(const T* y, int k) {
    T top = y[0];
    for (int j = 1; j < k; ++j) top = y[j] > top || y[j] != y[j] ? y[j] : top;
    return top;
  }
  template <class T>
  static T total(const T* t, int k) {
    T sum = 0;
    for (int j = 0; j < k; ++j) sum += t[j];
    return sum;
  }
};

// ℓ = Σ eʸ − t + t ln t − ty        ∂ℓ/∂y = eʸ − t
struct Poisson : PlainLoss {
  static constexpr const char* name = "poisson";
  using PlainLoss::PlainLoss;
  template <class T>
  T row(const T* y, const T* t, int k) const {
    T sum = 0;
    for (int j = 0; j < k; ++j) sum += exp(y[j]) - t[j] + ((t[j] > T(0) ? t[j] * log(t[j]) : T(0)) - t[j] * y[j]);
    return sum;
  }
  template <class T>
  void slope(const T* y, const T* t, T* dy, int k) const {
    for (int j = 0; j < k; ++j) dy[j] = exp(y[j]) - t[j];
  }
};

using Losses =
    Registry<SquaredError, AbsoluteError, Huber, Quantile, Gaussian, BinaryCrossEntropy, CrossEntropy, Poisson>;

}  // namespace glassnet::GLASSNET_LEVEL

// L beside ∂L/∂y: twin of losses.py.
//
// `predict` makes predictions p of the m scores of one row. A loss sees PW rows at once: y, t and dy lie as [j][PW],
// one row in each lane, so that every formula is vector code.
#pragma once
#include "elementary.h"
#include "registry.h"
#include "simd.h"

namespace glassnet::GLASSNET_LEVEL {

// What most losses are: a sum over targets of ℓ(y, t), one score for each target. `Own` has `of` and `slope`.
template <class Own>
struct SumOverTargets {
  static constexpr int width = 1;

  // p of one score; unless a loss says otherwise, the score itself.
  template <class T>
  static T prediction(T y) {
    return y;
  }
  template <class T>
  static void predict(T* y, int m) {
    for (int j = 0; j < m; ++j) y[j] = Own::prediction(y[j]);
  }

  template <bool with_slope, class T>
  void rows(const T* y, const T* t, T* dy, T* loss, int k) const {
    const Own& own = static_cast<const Own&>(*this);
    for (int v = 0; v < PW<T>; ++v) loss[v] = 0;
    for (int j = 0; j < k; ++j, y += PW<T>, t += PW<T>, dy += with_slope ? PW<T> : 0)
      for (int v = 0; v < PW<T>; ++v) {
        loss[v] += own.of(y[v], t[v]);
        if (with_slope) dy[v] = own.slope(y[v], t[v]);
      }
  }
};

// ℓ = Σ(y − t)² / 2        ∂ℓ/∂y = y − t
struct SquaredError : SumOverTargets<SquaredError> {
  static constexpr const char* name = "squared_error";
  explicit SquaredError(const double*) {}
  template <class T>
  GLASSNET_INLINE T of(T y, T t) const {
    return T(0.5) * ((y - t) * (y - t));
  }
  template <class T>
  GLASSNET_INLINE T slope(T y, T t) const {
    return y - t;
  }
};

// ℓ = Σ|y − t|        ∂ℓ/∂y = sign(y − t), 0 where they are equal
struct AbsoluteError : SumOverTargets<AbsoluteError> {
  static constexpr const char* name = "absolute_error";
  explicit AbsoluteError(const double*) {}
  template <class T>
  GLASSNET_INLINE T of(T y, T t) const {
    return std::fabs(y - t);
  }
  template <class T>
  GLASSNET_INLINE T slope(T y, T t) const {
    const T r = y - t;
    return r > T(0) ? T(1) : r < T(0) ? T(-1) : r;  // nan stays nan
  }
};

// ℓ = Σ r²/2 where |r| ≤ δ, else δ|r| − δ²/2, r = y − t        ∂ℓ/∂y = r held within ±δ
struct Huber : SumOverTargets<Huber> {
  static constexpr const char* name = "huber";
  double delta;
  explicit Huber(const double* hyper) : delta(hyper[0]) {}
  template <class T>
  GLASSNET_INLINE T of(T y, T t) const {
    const T r = std::fabs(y - t), d = T(delta);
    return r <= d ? T(0.5) * (r * r) : d * (r - T(0.5 * delta));
  }
  template <class T>
  GLASSNET_INLINE T slope(T y, T t) const {
    const T r = y - t, d = T(delta);
    return r < -d ? -d : r > d ? d : r;
  }
};

// ℓ = Σ q(t − y) where t > y, else (1 − q)(y − t)        ∂ℓ/∂y = −q, else 1 − q; 0 where equal
struct Quantile : SumOverTargets<Quantile> {
  static constexpr const char* name = "quantile";
  double quantile;
  explicit Quantile(const double* hyper) : quantile(hyper[0]) {}
  template <class T>
  GLASSNET_INLINE T of(T y, T t) const {
    return t > y ? T(quantile) * (t - y) : T(1 - quantile) * (y - t);
  }
  template <class T>
  GLASSNET_INLINE T slope(T y, T t) const {
    return t > y ? T(-quantile) : t < y ? T(1 - quantile) : T(0);
  }
};

// ℓ = Σ ½(ln 2π + v + (t − μ)² e⁻ᵛ)        ∂ℓ/∂μ = (μ − t)e⁻ᵛ, ∂ℓ/∂v = ½(1 − (t − μ)² e⁻ᵛ)        y = (μ, v)
struct Gaussian {
  static constexpr const char* name = "gaussian";
  static constexpr int width = 2;
  explicit Gaussian(const double*) {}
  template <class T>
  static void predict(T* y, int m) {
    for (int j = m / 2; j < m; ++j) y[j] = exp(y[j]);
  }
  template <bool with_slope, class T>
  void rows(const T* y, const T* t, T* dy, T* loss, int k) const {
    for (int v = 0; v < PW<T>; ++v) loss[v] = 0;
    for (int j = 0; j < k * PW<T>; j += PW<T>)
      for (int v = 0; v < PW<T>; ++v) {
        const T r = t[j + v] - y[j + v], log_variance = y[k * PW<T> + j + v], precision = exp(-log_variance);
        loss[v] += T(0.5) * (T(1.8378770664093453) + (log_variance + r * r * precision));
        if (!with_slope) continue;
        dy[j + v] = -r * precision;
        dy[k * PW<T> + j + v] = T(0.5) * (T(1) - r * r * precision);
      }
  }
};

// ℓ = Σ max(y, 0) − ty + ln(1 + e^−|y|)        ∂ℓ/∂y = p − t        p = 1 / (1 + e⁻ʸ)        t smoothed
struct BinaryCrossEntropy : SumOverTargets<BinaryCrossEntropy> {
  static constexpr const char* name = "binary_cross_entropy";
  double smoothing;
  explicit BinaryCrossEntropy(const double* hyper) : smoothing(hyper[0]) {}
  template <class T>
  static T prediction(T y) {
    return T(1) / (T(1) + exp(-y));
  }
  template <class T>
  GLASSNET_INLINE T of(T y, T t) const {
    return ((y < T(0) ? T(0) : y) - smoothed(t) * y) + log1p(exp(-std::fabs(y)));
  }
  template <class T>
  GLASSNET_INLINE T slope(T y, T t) const {
    return T(1) / (T(1) + exp(-y)) - smoothed(t);
  }
  template <class T>
  GLASSNET_INLINE T smoothed(T t) const {
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
  static void predict(T* y, int m) {
    T top = y[0], powers = 0;
    for (int j = 1; j < m; ++j) top = y[j] > top || y[j] != y[j] ? y[j] : top;
    for (int j = 0; j < m; ++j) y[j] = exp(y[j] - top), powers += y[j];
    for (int j = 0; j < m; ++j) y[j] /= powers;
  }
  template <bool with_slope, class T>
  void rows(const T* y, const T* t, T* dy, T* loss, int k) const {
    const int all = k * int(PW<T>);
    T top[PW<T>], total[PW<T>], powers[PW<T>], log_sum[PW<T>];
    for (int v = 0; v < PW<T>; ++v) top[v] = y[v], total[v] = powers[v] = loss[v] = 0;
    for (int j = 0; j < all; j += int(PW<T>))
      for (int v = 0; v < PW<T>; ++v) {
        top[v] = y[j + v] > top[v] || y[j + v] != y[j + v] ? y[j + v] : top[v];
        total[v] += t[j + v];
      }
    for (int j = 0; j < all; j += int(PW<T>))
      for (int v = 0; v < PW<T>; ++v) {
        const T power = exp(y[j + v] - top[v]);
        powers[v] += power;
        if (with_slope) dy[j + v] = power;
      }
    for (int v = 0; v < PW<T>; ++v) log_sum[v] = top[v] + log(powers[v]);
    for (int j = 0; j < all; j += int(PW<T>))
      for (int v = 0; v < PW<T>; ++v) {
        const T target = T(1 - smoothing) * t[j + v] + T(smoothing / k) * total[v];
        loss[v] += target * (log_sum[v] - y[j + v]);
        if (with_slope) dy[j + v] = dy[j + v] / powers[v] * total[v] - target;
      }
  }
};

// ℓ = Σ eʸ − t + t ln t − ty        ∂ℓ/∂y = eʸ − t
struct Poisson : SumOverTargets<Poisson> {
  static constexpr const char* name = "poisson";
  explicit Poisson(const double*) {}
  template <class T>
  static T prediction(T y) {
    return exp(y);
  }
  template <class T>
  GLASSNET_INLINE T of(T y, T t) const {
    const T entropy = t * log(t > T(0) ? t : T(1));
    return exp(y) - t + ((t > T(0) ? entropy : T(0)) - t * y);
  }
  template <class T>
  GLASSNET_INLINE T slope(T y, T t) const {
    return exp(y) - t;
  }
};

using Losses =
    Registry<SquaredError, AbsoluteError, Huber, Quantile, Gaussian, BinaryCrossEntropy, CrossEntropy, Poisson>;

}  // namespace glassnet::GLASSNET_LEVEL

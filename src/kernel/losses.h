// L beside ∂L/∂y: twin of losses.py. `row` is the loss of one row of k outputs, `slope` its derivative into dy.
#pragma once
#include "elementary.h"
#include "registry.h"

namespace glassnet::GLASSNET_LEVEL {

// ℓ = Σ(y − t)² / 2        ∂ℓ/∂y = y − t
struct SquaredError {
  static constexpr const char* name = "squared_error";
  template <class T>
  static T row(const T* y, const T* t, int k) {
    T sum = 0;
    for (int j = 0; j < k; ++j) sum += (y[j] - t[j]) * (y[j] - t[j]);
    return T(0.5) * sum;
  }
  template <class T>
  static void slope(const T* y, const T* t, T* dy, int k) {
    for (int j = 0; j < k; ++j) dy[j] = y[j] - t[j];
  }
};

// ℓ = Σ max(y, 0) − ty + ln(1 + e^−|y|)        ∂ℓ/∂y = p − t        p = 1 / (1 + e⁻ʸ)
struct BinaryCrossEntropy {
  static constexpr const char* name = "binary_cross_entropy";
  template <class T>
  static T row(const T* y, const T* t, int k) {
    T sum = 0;
    for (int j = 0; j < k; ++j) sum += ((y[j] < T(0) ? T(0) : y[j]) - t[j] * y[j]) + log1p(exp(-std::fabs(y[j])));
    return sum;
  }
  template <class T>
  static void slope(const T* y, const T* t, T* dy, int k) {
    for (int j = 0; j < k; ++j) dy[j] = T(1) / (T(1) + exp(-y[j])) - t[j];
  }
};

// ℓ = Σ t (ln Σeʸ − y)        ∂ℓ/∂y = p Σt − t        p = eʸ / Σeʸ, both taken from the largest y
struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  template <class T>
  static T row(const T* y, const T* t, int k) {
    const T top = largest(y, k);
    T total = 0, sum = 0;
    for (int j = 0; j < k; ++j) total += exp(y[j] - top);
    const T log_sum = top + log(total);
    for (int j = 0; j < k; ++j) sum += t[j] * (log_sum - y[j]);
    return sum;
  }
  template <class T>
  static void slope(const T* y, const T* t, T* dy, int k) {
    const T top = largest(y, k);
    T total = 0, targets = 0;
    for (int j = 0; j < k; ++j) dy[j] = exp(y[j] - top);
    for (int j = 0; j < k; ++j) total += dy[j], targets += t[j];
    for (int j = 0; j < k; ++j) dy[j] = dy[j] / total * targets - t[j];
  }
  template <class T>
  static T largest(const T* y, int k) {
    T top = y[0];
    for (int j = 1; j < k; ++j) top = y[j] > top || y[j] != y[j] ? y[j] : top;
    return top;
  }
};

// ℓ = Σ eʸ − t + t ln t − ty        ∂ℓ/∂y = eʸ − t
struct Poisson {
  static constexpr const char* name = "poisson";
  template <class T>
  static T row(const T* y, const T* t, int k) {
    T sum = 0;
    for (int j = 0; j < k; ++j) sum += exp(y[j]) - t[j] + ((t[j] > T(0) ? t[j] * log(t[j]) : T(0)) - t[j] * y[j]);
    return sum;
  }
  template <class T>
  static void slope(const T* y, const T* t, T* dy, int k) {
    for (int j = 0; j < k; ++j) dy[j] = exp(y[j]) - t[j];
  }
};

using Losses = Registry<SquaredError, BinaryCrossEntropy, CrossEntropy, Poisson>;

}  // namespace glassnet::GLASSNET_LEVEL

// One register of numbers, in the widest form that this build may use.
//
// Only what the products need. Elementwise loops are left to the compiler, which sees through them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace glassnet::GLASSNET_LEVEL {

// Lanes<T>: load, store, broadcast, and a·b + c, rounded once where the machine has a fused multiply-add.
// TILE_ROWS is how many rows of a panel of 64 bytes fit into the registers beside what a step of a product needs.
template <class T>
struct Lanes;

#if defined(__AVX512F__)

constexpr int TILE_ROWS = 12;

template <>
struct Lanes<float> {
  static constexpr int width = 16;
  __m512 v;
  static Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Lanes broadcast(float a) { return {_mm512_set1_ps(a)}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  static Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
};

template <>
struct Lanes<double> {
  static constexpr int width = 8;
  __m512d v;
  static Lanes load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static Lanes broadcast(double a) { return {_mm512_set1_pd(a)}; }
  void store(double* p) const { _mm512_storeu_pd(p, v); }
  static Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
};

#elif defined(__AVX2__) && defined(__FMA__)

constexpr int TILE_ROWS = 6;

template <>
struct Lanes<float> {
  static constexpr int width = 8;
  __m256 v;
  static Lanes load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Lanes broadcast(float a) { return {_mm256_set1_ps(a)}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  static Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
};

template <>
struct Lanes<double> {
  static constexpr int width = 4;
  __m256d v;
  static Lanes load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static Lanes broadcast(double a) { return {_mm256_set1_pd(a)}; }
  void store(double* p) const { _mm256_storeu_pd(p, v); }
  static Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
};

#elif defined(__aarch64__) && defined(__ARM_NEON)

constexpr int TILE_ROWS = 6;

template <>
struct Lanes<float> {
  static constexpr int width = 4;
  float32x4_t v;
  static Lanes load(const float* p) { return {vld1q_f32(p)}; }
  static Lanes broadcast(float a) { return {vdupq_n_f32(a)}; }
  void store(float* p) const { vst1q_f32(p, v); }
  static Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
};

template <>
struct Lanes<double> {
  static constexpr int width = 2;
  float64x2_t v;
  static Lanes load(const double* p) { return {vld1q_f64(p)}; }
  static Lanes broadcast(double a) { return {vdupq_n_f64(a)}; }
  void store(double* p) const { vst1q_f64(p, v); }
  static Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
};

#else

constexpr int TILE_ROWS = 2;

// Sixteen bytes: the compiler's own vectors where it has them, else a loop that it may turn into one.
template <class T>
struct Lanes {
  static constexpr int width = 16 / sizeof(T);
#if defined(__GNUC__)
  typedef T Vector __attribute__((vector_size(16)));
#else
  struct Vector {
    T lane[width];
    T& operator[](int i) { return lane[i]; }
  };
#endif
  Vector v;
  static Lanes load(const T* p) {
    Lanes r;
    std::memcpy(&r.v, p, sizeof r.v);
    return r;
  }
  static Lanes broadcast(T a) {
    Lanes r;
    for (int i = 0; i < width; ++i) r.v[i] = a;
    return r;
  }
  void store(T* p) const { std::memcpy(p, &v, sizeof v); }
  static Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
#if defined(__GNUC__)
    c.v += a.v * b.v;
#else
    for (int i = 0; i < width; ++i) c.v[i] += a.v[i] * b.v[i];
#endif
    return c;
  }
};

#endif

}  // namespace glassnet::GLASSNET_LEVEL

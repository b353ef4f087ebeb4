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

using Index = std::int64_t;

template <class T>
constexpr Index PW = 64 / sizeof(T);  // numbers in a row of a panel

// Lanes<T>: load, store, broadcast, and a·b + c, rounded once where the machine has a fused multiply-add.
// A tile of a product, TILE_ROWS rows of TILE_PANELS panels of 64 bytes, fits into the registers beside what a step of
// it needs. FEATURE_ROWS is the height where a tile must end with a panel.
template <class T>
struct Lanes;

#if defined(__AVX512F__)

constexpr int TILE_ROWS = 12, TILE_PANELS = 2, FEATURE_ROWS = 8;

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

#elif defined(__AVX2__)

constexpr int TILE_ROWS = 6, TILE_PANELS = 1, FEATURE_ROWS = 6;

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

constexpr int TILE_ROWS = 6, TILE_PANELS = 1, FEATURE_ROWS = 6;

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

constexpr int TILE_ROWS = 2, TILE_PANELS = 1, FEATURE_ROWS = 2;

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

template <class T>
constexpr int LANES = int(PW<T>) / Lanes<T>::width;  // registers that hold a row of a panel

// What a compiler needs to be told that two pointers never meet.
#if defined(_MSC_VER)
#define GLASSNET_RESTRICT __restrict
#else
#define GLASSNET_RESTRICT __restrict__
#endif

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define GLASSNET_SHUFFLE 1
#endif
#endif

#if defined(GLASSNET_SHUFFLE)

template <int... l>
struct Places {};
template <int n, int... l>
struct PlacesUpTo : PlacesUpTo<n - 1, n - 1, l...> {};
template <int... l>
struct PlacesUpTo<0, l...> {
  using Type = Places<l...>;
};

// In a pair of rows that are `s` apart, swap the blocks of s numbers that lie off the diagonal.
template <int s, int width, class V, int... l>
inline void swap_off_diagonal(V& upper, V& lower, Places<l...>) {
  const V a = upper, b = lower;
  upper = __builtin_shufflevector(a, b, (l & s ? width + l - s : l)...);
  lower = __builtin_shufflevector(a, b, (l & s ? width + l : l + s)...);
}

template <class T, int s = 1>
inline void transpose_registers(Lanes<T> (&rows)[Lanes<T>::width]) {
  constexpr int width = Lanes<T>::width;
  for (int i = 0; i < width; ++i)
    if (!(i & s)) swap_off_diagonal<s, width>(rows[i].v, rows[i + s].v, typename PlacesUpTo<width>::Type());
  if constexpr (2 * s < width) transpose_registers<T, 2 * s>(rows);
}

// to[j][i] = from[i][j] of a square of 64 bytes a side; rows are `from_row` and `to_row` numbers apart.
template <class T>
inline void transpose_square(const T* from, std::ptrdiff_t from_row, T* to, std::ptrdiff_t to_row) {
  constexpr int width = Lanes<T>::width, side = 64 / sizeof(T);
  for (int i = 0; i < side; i += width)
    for (int j = 0; j < side; j += width) {
      Lanes<T> rows[width];
      for (int r = 0; r < width; ++r) rows[r] = Lanes<T>::load(from + (i + r) * from_row + j);
      transpose_registers<T>(rows);
      for (int r = 0; r < width; ++r) rows[r].store(to + (j + r) * to_row + i);
    }
}

#else

template <class T>
inline void transpose_square(const T* from, std::ptrdiff_t from_row, T* to, std::ptrdiff_t to_row) {
  constexpr int side = 64 / sizeof(T);
  for (int i = 0; i < side; ++i)
    for (int j = 0; j < side; ++j) to[j * to_row + i] = from[i * from_row + j];
}

#endif

}  // namespace glassnet::GLASSNET_LEVEL

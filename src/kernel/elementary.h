// exp, log, tanh, sin and cos: twin of elementary.py, equal bit for bit. Only +, −, ×, ÷ in the order written: the
// build forbids the compiler to fuse or reorder them. Branch-free, so that loops over them become vector code.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

// A loop over one of these is vector code only where the call is gone.
#if defined(__GNUC__)
#define GLASSNET_INLINE inline __attribute__((always_inline))
#else
#define GLASSNET_INLINE inline
#endif

namespace glassnet::GLASSNET_LEVEL {

template <class T>
struct Format;

template <>
struct Format<double> {
  using Bits = std::uint64_t;
  static constexpr int mantissa = 52, bias = 1023, exp_degree = 13, log_degree = 11, sin_degree = 17;
  static constexpr double round_shift = 6755399441055744.0;  // 1.5 · 2⁵²: adding it leaves an integer in the low bits
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr double lowest = -746.0, highest = 710.0, saturated = 40.0, to_normal = 18014398509481984.0;
  static constexpr double half_pi[3] = {1.57079632673412561417e00, 6.07710050630396597660e-11,
                                        2.02226624879595063154e-21};
  static constexpr double farthest = 1e6;
};

template <>
struct Format<float> {
  using Bits = std::uint32_t;
  static constexpr int mantissa = 23, bias = 127, exp_degree = 7, log_degree = 5, sin_degree = 9;
  static constexpr float round_shift = 12582912.0f;
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440054690583e-4f;
  static constexpr float lowest = -104.0f, highest = 89.0f, saturated = 20.0f, to_normal = 33554432.0f;
  static constexpr float half_pi[3] = {1.5703125f, 4.837512969970703125e-4f, 7.54978995489188216e-8f};
  static constexpr float farthest = 8192.0f;
};

constexpr double factorial(int n) { return n < 2 ? 1.0 : n * factorial(n - 1); }

template <class T>
GLASSNET_INLINE typename Format<T>::Bits bits_of(T x) {
  typename Format<T>::Bits bits;
  std::memcpy(&bits, &x, sizeof x);
  return bits;
}

template <class T>
GLASSNET_INLINE T from_bits(typename Format<T>::Bits bits) {
  T x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// 2ᵏ from its bits, for exponents that a normal number has; k in two's complement.
template <class T>
GLASSNET_INLINE T power_of_two(typename Format<T>::Bits k) {
  using F = Format<T>;
  return from_bits<T>((k + F::bias) << F::mantissa);
}

// Σ_{j=2}^{degree} r^{j−2} / j!
template <class T, int j = 2>
GLASSNET_INLINE T exp_series(T r) {
  if constexpr (j == Format<T>::exp_degree)
    return T(1 / factorial(j));
  else
    return exp_series<T, j + 1>(r) * r + T(1 / factorial(j));
}

// k and eʳ − 1, where x = k ln 2 + r
template <class T>
GLASSNET_INLINE T reduce(T x, typename Format<T>::Bits& k) {
  using F = Format<T>;
  const T shifted = x * T(1.4426950408889634074) + F::round_shift;
  k = bits_of(shifted) - bits_of(F::round_shift);
  const T whole = shifted - F::round_shift;
  const T r = (x - whole * F::ln2_high) - whole * F::ln2_low;
  return r + (r * r) * exp_series(r);
}

template <class T>
GLASSNET_INLINE T exp(T x) {
  using F = Format<T>;
  x = x < F::lowest ? F::lowest : x;
  x = x > F::highest ? F::highest : x;
  typename F::Bits k;
  const T p = reduce(x, k);
  // In two steps, since 2ᵏ alone may leave the format before the product does; 4096 keeps the shifted number positive.
  const typename F::Bits half = ((k + 4096) >> 1) - 2048;
  return ((T(1) + p) * power_of_two<T>(half)) * power_of_two<T>(k - half);
}

// eˣ − 1, exact to rounding for small x too; x is held within ± saturated
template <class T>
GLASSNET_INLINE T expm1(T x) {
  using F = Format<T>;
  x = x < -F::saturated ? -F::saturated : x;
  x = x > F::saturated ? F::saturated : x;
  typename F::Bits k;
  const T p = reduce(x, k), power = power_of_two<T>(k);
  return power * p + (power - T(1));
}

template <class T>
GLASSNET_INLINE T tanh(T x) {
  const T e = expm1(std::fabs(x) * T(2));  // e²ˣ − 1
  return std::copysign(e / (e + T(2)), x);
}

// Σ_{j=3,5,…}^{degree} (−1)^{(j−1)/2} z^{(j−3)/2} / j! for the sine, and with j + 1, signs turned, for the cosine
template <class T, int more, int j = 3>
GLASSNET_INLINE T wave_series(T z) {
  constexpr T term = T((j % 4 == 3 ? -1 : 1) * (more ? -1 : 1) / factorial(j + more));
  if constexpr (j == Format<T>::sin_degree)
    return T(0) * z + term;
  else
    return wave_series<T, more, j + 2>(z) * z + term;
}

// sin(x + shift · π/2): x = k π/2 + r, and the quadrant says which series, and its sign
template <int shift, class T>
GLASSNET_INLINE T quarter_turns(T x) {
  using F = Format<T>;
  T held = x < -F::farthest ? -F::farthest : x;
  held = held > F::farthest ? F::farthest : held;
  held = std::fabs(x) == T(INFINITY) ? T(NAN) : held;
  const T shifted = held * T(0.63661977236758134308) + F::round_shift;
  const typename F::Bits quadrant = bits_of(shifted) - bits_of(F::round_shift) + shift;
  const T whole = shifted - F::round_shift;
  const T r = ((held - whole * F::half_pi[0]) - whole * F::half_pi[1]) - whole * F::half_pi[2];
  const T z = r * r;
  const T sine = r + r * (z * wave_series<T, 0>(z));
  const T cosine = T(1) - (z * T(0.5) - z * (z * wave_series<T, 1>(z)));
  const T result = quadrant & 1 ? cosine : sine;
  return quadrant & 2 ? -result : result;
}

template <class T>
GLASSNET_INLINE T sin(T x) {
  return quarter_turns<0>(x);
}

template <class T>
GLASSNET_INLINE T cos(T x) {
  return quarter_turns<1>(x);
}

// Σ_{j=1}^{degree} 2 z^{j−1} / (2j + 1)
template <class T, int j = 1>
GLASSNET_INLINE T log_series(T z) {
  if constexpr (j == Format<T>::log_degree)
    return T(2.0 / (2 * j + 1));
  else
    return log_series<T, j + 1>(z) * z + T(2.0 / (2 * j + 1));
}

template <class T>
GLASSNET_INLINE T log(T x) {
  using F = Format<T>;
  using Bits = typename F::Bits;
  constexpr Bits fraction = (Bits(1) << F::mantissa) - 1;
  const bool subnormal = (bits_of(x) >> F::mantissa) == 0;
  const T scaled = subnormal ? x * F::to_normal : x;
  const int shift = subnormal ? F::bias - 1 + F::mantissa + 2 : F::bias - 1;
  const T half = from_bits<T>((bits_of(scaled) & fraction) | (Bits(F::bias - 1) << F::mantissa));  // ½ ≤ half < 1
  const bool low = half < T(0.70710678118654752440);
  const T m = low ? half + half : half, k = T(int(bits_of(scaled) >> F::mantissa) - shift - (low ? 1 : 0));
  const T f = m - T(1), s = f / (T(2) + f), z = s * s;
  const T result = k * F::ln2_high + ((s + s) + (s * (z * log_series(z)) + k * F::ln2_low));
  const T outside = x == T(0) ? T(-INFINITY) : x == T(INFINITY) ? x : T(NAN);
  return x > T(0) && x < T(INFINITY) ? result : outside;
}

// ln(1 + u) for 0 ≤ u ≤ 1; the same bits as log(1 + u) corrected, without its branches
template <class T>
GLASSNET_INLINE T log1p(T u) {
  using F = Format<T>;
  const T w = T(1) + u;
  const bool large = w >= T(0.70710678118654752440) * T(2);
  const T m = large ? w * T(0.5) : w, k = large ? T(1) : T(0);
  const T f = m - T(1), s = f / (T(2) + f), z = s * s;
  return (k * F::ln2_high + ((s + s) + (s * (z * log_series(z)) + k * F::ln2_low))) + (u - (w - T(1))) / w;
}

}  // namespace glassnet::GLASSNET_LEVEL

// The products of an output layer of few units, whose weights lie transposed: [in / PW][m][PW], then a row of biases.
//
// Its scores and deltas lie by unit, [m][row], so that a loss runs over rows. A score is a sum of PW lanes, each a
// chain in ascending order, added from the first lane to the last: again the same bits however the rows are cut.
#pragma once
#include "matrix.h"

namespace glassnet::GLASSNET_LEVEL {

constexpr Index NARROW = 4;  // an output layer of so many units, at the most, is narrow

// y = hv + c          h (n, d), v (d, m) → y[m][n], rows `y_unit` apart; y has room for whole blocks of PW rows
template <class T>
void narrow_affine(Panels<T> x, Index n, Index d, const T* v, bool bias, Index m, From from, T* y, Index y_unit) {
  const Index panels = panel_count<T>(d);
  T lanes[PW<T> * PW<T>] = {}, turned[PW<T> * PW<T>];
  for (Index i = 0; i < n; i += PW<T>)
    for (Index j = 0; j < m; ++j) {
      for (Index r = 0; r < smaller(PW<T>, n - i); ++r)
        for (int l = 0; l < PW<T>; l += Lanes<T>::width) {
          Lanes<T> sum = Lanes<T>::broadcast(T(0));
          for (Index p = 0; p < panels; ++p)
            sum = Lanes<T>::multiply_add(Lanes<T>::load(x.row(p, i + r) + l),
                                         Lanes<T>::load(v + (p * m + j) * PW<T> + l), sum);
          sum.store(lanes + r * PW<T> + l);
        }
      transpose_square<T>(lanes, PW<T>, turned, PW<T>);
      T *target = y + j * y_unit + i, sums[PW<T>];
      const T start = bias ? v[panels * m * PW<T> + j] : T(0);
      for (Index r = 0; r < PW<T>; ++r) sums[r] = from == From::target ? target[r] : start;
      for (Index l = 0; l < PW<T>; ++l)
        for (Index r = 0; r < PW<T>; ++r) sums[r] += turned[l * PW<T> + r];
      for (Index r = 0; r < PW<T>; ++r) target[r] = sums[r];
    }
}

// dh = dy vᵀ          dy[m][n], v (d, m) → dh (n, d); use(p, 1) is called when panel p of dh stands
template <class T, class Use>
void narrow_transposed(const T* dy, Index dy_unit, Index n, Index m, const T* v, Index d, From from, Panels<T> dh,
                       const Use& use) {
  for (Index p = 0; p < panel_count<T>(d); ++p) {
    const T* weights = v + p * m * PW<T>;
    for (int l = 0; l < PW<T>; l += Lanes<T>::width)
      for (Index i = 0; i < n; ++i) {
        T* target = dh.row(p, i) + l;
        Lanes<T> sum = from == From::target ? Lanes<T>::load(target) : Lanes<T>::broadcast(T(0));
        for (Index j = 0; j < m; ++j)
          sum = Lanes<T>::multiply_add(Lanes<T>::broadcast(dy[j * dy_unit + i]),
                                       Lanes<T>::load(weights + j * PW<T> + l), sum);
        sum.store(target);
      }
    use(p, 1);
  }
}

// C panels of dv, a part of the chain over rows.
template <class T, int C>
void narrow_gradient_panels(Panels<T> x, const T* dy, Index dy_unit, Index n, Index m, From from, T* g) {
  for (Index j = 0; j < m; ++j) {
    Lanes<T> acc[C][LANES<T>];
    for (int c = 0; c < C; ++c)
      for (int l = 0; l < LANES<T>; ++l)
        acc[c][l] = from == From::zero ? Lanes<T>::broadcast(T(0))
                                       : Lanes<T>::load(g + (c * m + j) * PW<T> + l * Lanes<T>::width);
    for (Index i = 0; i < n; ++i) {
      const Lanes<T> factor = Lanes<T>::broadcast(dy[j * dy_unit + i]);
      for (int c = 0; c < C; ++c)
        for (int l = 0; l < LANES<T>; ++l)
          acc[c][l] = Lanes<T>::multiply_add(factor, Lanes<T>::load(x.row(c, i) + l * Lanes<T>::width), acc[c][l]);
    }
    for (int c = 0; c < C; ++c)
      for (int l = 0; l < LANES<T>; ++l) acc[c][l].store(g + (c * m + j) * PW<T> + l * Lanes<T>::width);
  }
}

// dv = hᵀdy of `features` features of x, which begin a panel; what pads the last panel is zero
template <class T>
void narrow_gradient(Panels<T> x, Index features, const T* dy, Index dy_unit, Index n, Index m, From from, T* g) {
  constexpr int together = LANES<T> == 1 ? 4 : 2;
  const Index panels = panel_count<T>(features);
  Index p = 0;
  for (; panels - p >= together; p += together)
    narrow_gradient_panels<T, together>({x.panel(p), x.stride}, dy, dy_unit, n, m, from, g + p * m * PW<T>);
  for (; p < panels; ++p)
    narrow_gradient_panels<T, 1>({x.panel(p), x.stride}, dy, dy_unit, n, m, from, g + p * m * PW<T>);
  for (Index l = features % PW<T>; l != 0 && l < PW<T>; ++l)
    for (Index j = 0; j < m; ++j) g[((panels - 1) * m + j) * PW<T> + l] = T(0);
}

// dc = Σᵢ dy, unit by unit
template <class T>
void narrow_gradient_of_bias(const T* dy, Index dy_unit, Index n, Index m, From from, T* db) {
  for (Index j = 0; j < PW<T>; ++j) {
    T sum = from == From::zero || j >= m ? T(0) : db[j];
    for (Index i = 0; j < m && i < n; ++i) sum += dy[j * dy_unit + i];
    db[j] = sum;
  }
}

}  // namespace glassnet::GLASSNET_LEVEL

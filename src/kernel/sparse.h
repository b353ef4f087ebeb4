// The products of a first layer whose input is sparse: a row of x is a list of (column, value), so its product with w
// is a sum of rows of w. Zeros cost nothing, and change no bit: a chain of multiply-adds passes over them.
#pragma once
#include "kernel.h"
#include "matrix.h"

namespace glassnet::GLASSNET_LEVEL {

// Some rows of the data: those of `order` from `first` on, or first, first + 1, … where it is null.
template <class T>
struct RowList {
  const Rows<T>* x;
  const Index* order;
  Index first;

  Index operator[](Index i) const { return order ? order[first + i] : first + i; }
  RowList from(Index i) const { return {x, order, first + i}; }

  // Calls use(column, value) for what row i holds.
  template <class Use>
  void for_each(Index i, const Use& use) const {
    const Index row = (*this)[i];
    for (Index e = x->starts(row); e < x->starts(row + 1); ++e) use(x->columns(e), x->values[e]);
  }
};

// C panels of z = xw + b.
template <class T, int C>
void sparse_affine_panels(RowList<T> x, Index n, const T* w, const T* bias, Index w_panel, From from, Panels<T> z) {
  for (Index i = 0; i < n; ++i) {
    Lanes<T> acc[1][C * LANES<T>];
    fill<T, 1, C>(from, bias, w_panel, z, i, acc);
    x.for_each(
        i, [&](Index column, T value) { accumulate<T, 1, C, PW<T>, 1>(&value, w + column * PW<T>, w_panel, 1, acc); });
    store<T, 1, C>(acc, z.row(0, i), z.stride);
  }
}

// z = xw + b          x sparse (n, d), w (d, m) → z (n, m)
template <class T, class Use>
void sparse_affine(RowList<T> x, Index n, Index d, const T* w, bool bias, Index m, From from, Panels<T> z,
                   const Use& use) {
  const Index panels = panel_count<T>(m), w_panel = (d + bias) * PW<T>;
  for (Index p = 0; p < panels;) {
    const Index c = panels - p >= 4 ? 4 : 1;
    const T *weights = w + p * w_panel, *biases = weights + d * PW<T>;
    const Panels<T> target{z.panel(p), z.stride};
    if (c == 4)
      sparse_affine_panels<T, 4>(x, n, weights, biases, w_panel, from, target);
    else
      sparse_affine_panels<T, 1>(x, n, weights, biases, w_panel, from, target);
    use(p, c);
    p += c;
  }
}

// g += xᵀdz of one panel of dz: a row of g for each column of x.
template <class T>
void sparse_gradient_panel(RowList<T> x, Index n, Index d, const T* dz, From from, T* g) {
  if (from == From::zero) std::memset(static_cast<void*>(g), 0, std::size_t(d * PW<T>) * sizeof(T));
  for (Index i = 0; i < n; ++i)
    x.for_each(i, [&](Index column, T value) {
      const Lanes<T> factor = Lanes<T>::broadcast(value);
      T* row = g + column * PW<T>;
      for (int l = 0; l < PW<T>; l += Lanes<T>::width)
        Lanes<T>::multiply_add(factor, Lanes<T>::load(dz + i * PW<T> + l), Lanes<T>::load(row + l)).store(row + l);
    });
}

// The same of a narrow output layer, y[m][n] and g [d / PW][m][PW].
template <class T>
void sparse_narrow_affine(RowList<T> x, Index n, Index d, const T* v, bool bias, Index m, From from, T* y,
                          Index y_unit) {
  for (Index j = 0; j < m; ++j)
    for (Index i = 0; i < n; ++i) {
      T sum = from == From::target ? y[j * y_unit + i] : bias ? v[panel_count<T>(d) * m * PW<T> + j] : T(0);
      x.for_each(i, [&](Index k, T value) { sum += value * v[(k / PW<T> * m + j) * PW<T> + k % PW<T>]; });
      y[j * y_unit + i] = sum;
    }
}

template <class T>
void sparse_narrow_gradient(RowList<T> x, Index n, Index d, const T* dy, Index dy_unit, Index m, From from, T* g) {
  if (from == From::zero) std::memset(static_cast<void*>(g), 0, std::size_t(panel_count<T>(d) * m * PW<T>) * sizeof(T));
  for (Index j = 0; j < m; ++j)
    for (Index i = 0; i < n; ++i)
      x.for_each(i,
                 [&](Index k, T value) { g[(k / PW<T> * m + j) * PW<T> + k % PW<T>] += value * dy[j * dy_unit + i]; });
}

}  // namespace glassnet::GLASSNET_LEVEL

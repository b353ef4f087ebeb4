// Matrices in panels, and the products xw + b, dz wᵀ and xᵀdz.
//
// A panel is 64 bytes wide: PW numbers. Activations lie as [feature / PW][row][PW], weights as [out / PW][in + 1][PW]
// with the bias as the last row. So every inner loop walks memory in order, no product packs anything, and none has a
// ragged edge: what pads a panel of weights stays zero. Every number is one chain of multiply-adds in ascending order,
// so it does not depend on how the work is cut.
#pragma once
#include <cstdint>

#include "simd.h"

namespace glassnet::GLASSNET_LEVEL {

using Index = std::int64_t;

template <class T>
constexpr Index PW = 64 / sizeof(T);

template <class T>
constexpr int LANES = int(PW<T>) / Lanes<T>::width;  // registers that hold a row of a panel

template <class T>
constexpr Index panel_count(Index columns) {
  return (columns + PW<T> - 1) / PW<T>;
}

// A matrix (rows, columns) in panels; `stride` numbers from one panel to the next.
template <class T>
struct Panels {
  T* data;
  Index stride;

  T* panel(Index p) const { return data + p * stride; }
  T* row(Index p, Index i) const { return panel(p) + i * PW<T>; }
  T& at(Index i, Index j) const { return row(j / PW<T>, i)[j % PW<T>]; }
};

// R rows of sums: acc[r] += Σₖ a[r][k · step] · b[k], k < depth.
template <class T, int R>
inline void accumulate(const T* const (&a)[R], Index step, const T* b, Index depth, Lanes<T> (&acc)[R][LANES<T>]) {
  for (Index k = 0; k < depth; ++k) {
    Lanes<T> row[LANES<T>];
    for (int v = 0; v < LANES<T>; ++v) row[v] = Lanes<T>::load(b + k * PW<T> + v * Lanes<T>::width);
    for (int r = 0; r < R; ++r) {
      const Lanes<T> factor = Lanes<T>::broadcast(a[r][k * step]);
      for (int v = 0; v < LANES<T>; ++v) acc[r][v] = Lanes<T>::multiply_add(factor, row[v], acc[r][v]);
    }
  }
}

template <class T, int R>
inline void fill(const T* start, Index step, Lanes<T> (&acc)[R][LANES<T>]) {
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < LANES<T>; ++v)
      acc[r][v] = start ? Lanes<T>::load(start + r * step + v * Lanes<T>::width) : Lanes<T>::broadcast(T(0));
}

template <class T, int R>
inline void store(const Lanes<T> (&acc)[R][LANES<T>], T* target) {
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < LANES<T>; ++v) acc[r][v].store(target + r * PW<T> + v * Lanes<T>::width);
}

// Calls tile.run<R>(i) for blocks of rows i … i + R: whole tiles first, then one that is as high as what is left.
template <int R = TILE_ROWS, class Tile>
inline void for_row_blocks(Index i, Index rows, const Tile& tile) {
  for (; rows - i >= R; i += R) tile.template run<R>(i);
  if constexpr (R > 1)
    if (i < rows) for_row_blocks<R - 1>(i, rows, tile);
}

// Where the sums of a product begin.
enum class From { zero, bias, target };

// One panel of z = xw + b: x (rows, depth), w [depth + 1][PW], b its last row; or of z = xw, or of z += xw.
template <class T>
struct AffinePanel {
  Panels<T> x;
  Index depth;
  const T* w;
  From from;
  T* z;

  template <int R>
  void run(Index i) const {
    const T* a[R];
    for (int r = 0; r < R; ++r) a[r] = x.row(0, i + r);
    Lanes<T> acc[R][LANES<T>];
    if (from == From::target)
      fill<T, R>(z + i * PW<T>, PW<T>, acc);
    else
      fill<T, R>(from == From::bias ? w + depth * PW<T> : nullptr, 0, acc);
    for (Index k = 0; k < depth; k += PW<T>) {
      const Index length = depth - k < PW<T> ? depth - k : PW<T>;
      accumulate<T, R>(a, 1, w + k * PW<T>, length, acc);
      for (int r = 0; r < R; ++r) a[r] += x.stride;
    }
    store<T, R>(acc, z + i * PW<T>);
  }
};

// z = xw + b          x (n, d), w (d, m), b (m) → z (n, m); `use(p)` is called when panel p of z stands
template <class T, class Use>
void affine(Panels<T> x, Index n, Index d, const T* w, Index m, From from, Panels<T> z, const Use& use) {
  for (Index p = 0; p < panel_count<T>(m); ++p) {
    const T* panel = w + p * (d + (from == From::bias)) * PW<T>;
    for_row_blocks(0, n, AffinePanel<T>{x, d, panel, from, z.panel(p)});
    use(p);
  }
}

// One panel of dw += xᵀdz: rows of dw are features of x.
template <class T>
struct GradientPanel {
  Panels<T> x;
  Index n;
  const T* dz;
  T* dw;
  bool first;

  template <int R>
  void run(Index k) const {
    const T* a[R];
    for (int r = 0; r < R; ++r) a[r] = &x.at(0, k + r);
    Lanes<T> acc[R][LANES<T>];
    fill<T, R>(first ? nullptr : dw + k * PW<T>, PW<T>, acc);
    accumulate<T, R>(a, PW<T>, dz, n, acc);
    store<T, R>(acc, dw + k * PW<T>);
  }
};

// dw += xᵀdz, db += Σᵢ dzᵢ          x (n, d), dz (n, m) → dw (d, m), db (m); the first call starts from zero
template <class T>
void gradient(Panels<T> x, Panels<T> dz, Index n, Index d, Index m, bool bias, T* dw, bool first) {
  for (Index p = 0; p < panel_count<T>(m); ++p) {
    T* panel = dw + p * (d + bias) * PW<T>;
    for_row_blocks(0, d, GradientPanel<T>{x, n, dz.panel(p), panel, first});
    if (!bias) continue;
    T* db = panel + d * PW<T>;
    for (Index v = 0; v < PW<T>; ++v) db[v] = first ? T(0) : db[v];
    for (Index i = 0; i < n; ++i)
      for (Index v = 0; v < PW<T>; ++v) db[v] += dz.row(p, i)[v];
  }
}

// wᵀ in panels [in / PW][m][PW], from w in panels [out / PW][d + 1][PW].
template <class T>
void transpose(const T* w, Index d, Index m, bool bias, T* wt) {
  for (Index j = 0; j < m; ++j) {
    const T* column = w + (j / PW<T>)*(d + bias) * PW<T> + j % PW<T>;
    for (Index k = 0; k < d; ++k) wt[(k / PW<T>)*m * PW<T> + j * PW<T> + k % PW<T>] = column[k * PW<T>];
  }
}

}  // namespace glassnet::GLASSNET_LEVEL

// Matrices in panels, and the products xw + b, dz wᵀ and xᵀdz.
//
// A panel is 64 bytes wide: PW numbers. Activations lie as [feature / PW][row][PW], weights as [out / PW][in + 1][PW]
// with the bias as the last row. So every inner loop walks memory in order, no product packs anything, and none has a
// ragged edge: what pads a panel of weights stays zero. An output layer of few units would be mostly padding: it lies
// transposed (narrow.h). Every number is one chain of multiply-adds in ascending order, so it does not depend on how
// the work is cut, and a chain may pause in memory.
#pragma once
#include <cstdint>

#include "simd.h"

namespace glassnet::GLASSNET_LEVEL {

constexpr Index DEPTH = 256;  // how long a chain runs before it pauses, so that its weights stay in the first cache

inline Index smaller(Index a, Index b) { return a < b ? a : b; }
inline Index larger(Index a, Index b) { return a > b ? a : b; }

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
  Panels from(Index i) const { return {data + i * PW<T>, stride}; }
};

// R rows of C panels of sums: acc[r][c] += Σₖ a[r · row + k · step] · b[c][k], k < depth; b's panels are `panel` apart.
template <class T, int R, int C, Index row, Index step>
inline void accumulate(const T* a, const T* b, Index panel, Index depth, Lanes<T> (&acc)[R][C * LANES<T>]) {
  for (Index k = 0; k < depth; ++k) {
    Lanes<T> weights[C * LANES<T>];
    for (int c = 0; c < C; ++c)
      for (int v = 0; v < LANES<T>; ++v)
        weights[c * LANES<T> + v] = Lanes<T>::load(b + c * panel + k * PW<T> + v * Lanes<T>::width);
    for (int r = 0; r < R; ++r) {
      const Lanes<T> factor = Lanes<T>::broadcast(a[r * row + k * step]);
      for (int v = 0; v < C * LANES<T>; ++v) acc[r][v] = Lanes<T>::multiply_add(factor, weights[v], acc[r][v]);
    }
  }
}

// Where the sums of a product begin.
enum class From { zero, bias, target };

// Every row of sums begins at `start` …, rows `row` apart, or at zero where that is null.
template <class T, int R, int C>
inline void fill(const T* start, Index panel, Index row, Lanes<T> (&acc)[R][C * LANES<T>]) {
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c)
      for (int v = 0; v < LANES<T>; ++v)
        acc[r][c * LANES<T> + v] =
            start ? Lanes<T>::load(start + c * panel + r * row + v * Lanes<T>::width) : Lanes<T>::broadcast(T(0));
}

template <class T, int R, int C>
inline void fill(From from, const T* bias, Index bias_panel, Panels<T> z, Index i, Lanes<T> (&acc)[R][C * LANES<T>]) {
  if (from == From::target)
    fill<T, R, C>(z.row(0, i), z.stride, PW<T>, acc);
  else
    fill<T, R, C>(from == From::bias ? bias : nullptr, bias_panel, 0, acc);
}

template <class T, int R, int C>
inline void store(const Lanes<T> (&acc)[R][C * LANES<T>], T* target, Index target_panel) {
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c)
      for (int v = 0; v < LANES<T>; ++v)
        acc[r][c * LANES<T> + v].store(target + c * target_panel + r * PW<T> + v * Lanes<T>::width);
}

// Calls tile.run<R>(i), which does R rows from i on, for all rows: as few tiles as do, of about equal height.
template <int R, class Tile>
inline void run_tile(Index height, Index i, const Tile& tile) {
  if (height == R) return tile.template run<R>(i);
  if constexpr (R > 1) run_tile<R - 1>(height, i, tile);
}

template <int most = TILE_ROWS, class Tile>
inline void for_tiles(Index rows, const Tile& tile) {
  for (Index i = 0, tiles = (rows + most - 1) / most; tiles > 0; --tiles) {
    const Index height = (rows - i + tiles - 1) / tiles;
    run_tile<most>(height, i, tile);
    i += height;
  }
}

// C panels of z = xw + b, a part of the chain: x from its feature 0 on, w [depth][PW].
template <class T, int C>
struct AffineTiles {
  Panels<T> x;
  Index depth;
  const T *w, *bias;
  Index w_panel;
  From from;
  Panels<T> z;

  template <int R>
  void run(Index i) const {
    Lanes<T> acc[R][C * LANES<T>];
    fill<T, R, C>(from, bias, w_panel, z, i, acc);
    const T* a = x.row(0, i);
    for (Index k = 0; k < depth; k += PW<T>, a += x.stride)
      accumulate<T, R, C, PW<T>, 1>(a, w + k * PW<T>, w_panel, smaller(PW<T>, depth - k), acc);
    store<T, R, C>(acc, z.row(0, i), z.stride);
  }
};

// z = xw + b over `panels` panels of z          x (n, d), w [panels][d + 1][PW]
template <class T, int C>
void affine_panels(Panels<T> x, Index n, Index d, const T* w, Index w_panel, From from, Panels<T> z) {
  Index k = 0;
  do {  // once where d is 0, too
    const Index depth = smaller(DEPTH, d - k);
    for_tiles(n, AffineTiles<T, C>{{x.panel(k / PW<T>), x.stride},
                                   depth,
                                   w + k * PW<T>,
                                   w + d * PW<T>,
                                   w_panel,
                                   k == 0 ? from : From::target,
                                   z});
    k += depth;
  } while (k < d);
}

// z = xw + b          x (n, d), w (d, m), b (m) → z (n, m); use(p, c) is called when panels p … p + c of z stand
template <class T, class Use>
void affine(Panels<T> x, Index n, Index d, const T* w, bool bias, Index m, From from, Panels<T> z, const Use& use) {
  const Index panels = panel_count<T>(m), w_panel = (d + bias) * PW<T>;
  for (Index p = 0; p < panels;) {
    const Index c = smaller(TILE_PANELS, panels - p);
    const Panels<T> target{z.panel(p), z.stride};
    if (c == TILE_PANELS)
      affine_panels<T, TILE_PANELS>(x, n, d, w + p * w_panel, w_panel, from, target);
    else
      affine_panels<T, 1>(x, n, d, w + p * w_panel, w_panel, from, target);
    use(p, c);
    p += c;
  }
}

// wᵀ of the units j … j + rows and the features of panel p, into to[rows][PW]; beyond feature d are zeros.
template <class T>
void transpose_panel(const T* w, Index w_panel, Index d, Index p, Index j, Index rows, T* to) {
  const Index features = smaller(PW<T>, d - p * PW<T>);
  for (Index r = 0; r < rows; r += PW<T>) {
    const T* square = w + (j + r) / PW<T> * w_panel + p * PW<T> * PW<T>;
    T ragged[PW<T> * PW<T>], turned[PW<T> * PW<T>];
    if (features < PW<T>) {
      for (Index i = 0; i < PW<T> * PW<T>; ++i) ragged[i] = i < features * PW<T> ? square[i] : T(0);
      square = ragged;
    }
    const bool whole = rows - r >= PW<T>;
    transpose_square<T>(square, PW<T>, whole ? to + r * PW<T> : turned, PW<T>);
    if (!whole)
      for (Index i = 0; i < (rows - r) * PW<T>; ++i) to[r * PW<T> + i] = turned[i];
  }
}

// dh = dz wᵀ          dz (n, m), w (d, m) → dh (n, d); `turned` has room for TILE_PANELS · DEPTH rows of a panel
template <class T, class Use>
void affine_transposed(Panels<T> dz, Index n, Index m, const T* w, bool bias, Index d, From from, Panels<T> dh,
                       T* turned, const Use& use) {
  const Index panels = panel_count<T>(d);
  for (Index p = 0; p < panels;) {
    const Index c = smaller(TILE_PANELS, panels - p);
    const Panels<T> target{dh.panel(p), dh.stride};
    for (Index j = 0; j < m; j += DEPTH) {
      const Index depth = smaller(DEPTH, m - j), panel = depth * PW<T>;
      for (Index i = 0; i < c; ++i) transpose_panel(w, (d + bias) * PW<T>, d, p + i, j, depth, turned + i * panel);
      const Panels<T> deltas{dz.panel(j / PW<T>), dz.stride};
      const From start = j == 0 ? from : From::target;
      if (c == TILE_PANELS)
        affine_panels<T, TILE_PANELS>(deltas, n, depth, turned, panel, start, target);
      else
        affine_panels<T, 1>(deltas, n, depth, turned, panel, start, target);
    }
    use(p, c);
    p += c;
  }
}

// C panels of g += xᵀdz for features of one panel of x, a part of the chain over rows.
template <class T, int C>
struct GradientTiles {
  const T* x;  // the panel
  Index n;
  Panels<T> dz;
  From from;
  T* g;
  Index g_panel;

  template <int R>
  void run(Index k) const {
    Lanes<T> acc[R][C * LANES<T>];
    fill<T, R, C>(from == From::zero ? nullptr : g + k * PW<T>, g_panel, PW<T>, acc);
    accumulate<T, R, C, 1, PW<T>>(x + k, dz.data, dz.stride, n, acc);
    store<T, R, C>(acc, g + k * PW<T>, g_panel);
  }
};

// g += xᵀdz of `features` features of x, which begin a panel, and C panels of dz; g's panels are `g_panel` apart.
template <class T, int C>
void gradient_panels(Panels<T> x, Index features, Panels<T> dz, Index n, From from, T* g, Index g_panel) {
  for (Index i = 0; i < n; i += DEPTH) {
    const Index rows = smaller(DEPTH, n - i);
    for (Index k = 0; k < features; k += PW<T>)
      for_tiles<FEATURE_ROWS>(smaller(PW<T>, features - k),
                              GradientTiles<T, C>{x.row(k / PW<T>, i), rows, dz.from(i), i == 0 ? from : From::target,
                                                  g + k * PW<T>, g_panel});
  }
}

// db += Σᵢ dz of one panel: four chains, of every fourth row each, since one would wait for itself.
template <class T>
void gradient_of_bias(const T* dz, Index n, From from, T* db) {
  T sums[4][PW<T>] = {};
  Index i = 0;
  for (; n - i >= 4; i += 4)
    for (int r = 0; r < 4; ++r)
      for (Index v = 0; v < PW<T>; ++v) sums[r][v] += dz[(i + r) * PW<T> + v];
  for (int r = 0; i < n; ++i, ++r)
    for (Index v = 0; v < PW<T>; ++v) sums[r][v] += dz[i * PW<T> + v];
  for (Index v = 0; v < PW<T>; ++v)
    db[v] = (from == From::zero ? T(0) : db[v]) + ((sums[0][v] + sums[1][v]) + (sums[2][v] + sums[3][v]));
}

}  // namespace glassnet::GLASSNET_LEVEL

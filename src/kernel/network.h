// The parameters of a network, in panels: twin of network.py's layers. What runs through them is in pass.h.
#pragma once
#include <cstring>

#include "activations.h"
#include "kernel.h"
#include "matrix.h"
#include "narrow.h"
#include "optimizers.h"

namespace glassnet::GLASSNET_LEVEL {

// Hands out one block of memory piece by piece; with a null block it only counts.
class Arena {
 public:
  explicit Arena(char* memory) : memory_(memory) {}

  template <class U>
  U* take(Index count) {
    char* piece = memory_ ? memory_ + used_ : nullptr;
    used_ += (std::size_t(count) * sizeof(U) + 63) / 64 * 64;
    return reinterpret_cast<U*>(piece);
  }

  // An odd number of rows, so that panels do not meet in the same places of the cache.
  template <class U>
  Panels<U> take_panels(Index rows, Index columns) {
    const Index stride = (rows | 1) * PW<U>;
    return {take<U>(panel_count<U>(columns) * stride), stride};
  }

  bool counting() const { return memory_ == nullptr; }
  std::size_t used() const { return used_; }

 private:
  char* memory_;
  std::size_t used_ = 0;
};

template <class U>
inline void clear(U* data, Index count) {
  std::memset(static_cast<void*>(data), 0, std::size_t(count) * sizeof(U));
}

// One layer's parameters lie in rows of PW numbers: w [out / PW][d + 1][PW], the last row of a panel its biases; of a
// narrow layer [d / PW][m][PW], then one row of biases.
template <class T>
struct Layer {
  Index d, m, flat;  // flat: where its parameters begin in the state's vector
  int activation;
  bool bias, narrow;
  T *w, *g, *moment[MOST_MOMENTS];
  bool* frozen;

  Index panel() const { return narrow ? m * PW<T> : (d + bias) * PW<T>; }  // numbers from one panel to the next
  Index size() const { return narrow ? (panel_count<T>(d) * m + bias) * PW<T> : panel_count<T>(m) * panel(); }
  Index count() const { return (d + bias) * m; }

  // Where the weight from k to j lies; k = d is the bias.
  Index place(Index k, Index j) const {
    if (!narrow) return j / PW<T> * panel() + k * PW<T> + j % PW<T>;
    return k < d ? k / PW<T> * panel() + j * PW<T> + k % PW<T> : panel_count<T>(d) * panel() + j;
  }
};

// Layer l of a network, without its memory; the last is u, the skip path, beside all others and without a bias.
template <class T>
Layer<T> layer_of(Shape shape, int l) {
  Layer<T> layer{};
  const bool beside = l == shape.layers, last = l >= shape.layers - 1;
  layer.d = shape.sizes[beside ? 0 : l], layer.m = shape.sizes[last ? shape.layers : l + 1];
  layer.bias = shape.bias && !beside, layer.narrow = last && layer.m <= NARROW;
  layer.activation = last ? Activations::find("identity") : shape.activations[l];
  return layer;
}

// What a network is to keep beside its weights.
enum : int { WEIGHTS = 0, GRADIENT = 1, MOMENTS = 2, FROZEN = 4 };

template <class T>
class Network {
 public:
  Network(Shape shape, int needs, int moments, Arena& arena)
      : count_(shape.layers), skip_(shape.skip), moments_(needs & MOMENTS ? moments : 0) {
    layers_ = arena.take<Layer<T>>(blocks());
    Index flat = 0;
    for (int l = 0; l < blocks(); ++l) {
      Layer<T> layer = layer_of<T>(shape, l);
      layer.flat = flat;
      layer.w = arena.take<T>(layer.size());
      if (needs & GRADIENT) layer.g = arena.take<T>(layer.size());
      for (int i = 0; i < moments_; ++i) layer.moment[i] = arena.take<T>(layer.size());
      if (needs & FROZEN) layer.frozen = arena.take<bool>(layer.size());
      flat += layer.count();
      if (arena.counting()) continue;
      layers_[l] = layer;
      // Padding is zero once and for all: what is written after never makes it anything else.
      clear(layer.w, layer.size());
      if (layer.g) clear(layer.g, layer.size());
      for (int i = 0; i < moments_; ++i) clear(layer.moment[i], layer.size());
      if (layer.frozen) clear(layer.frozen, layer.size());
    }
    parameter_count_ = flat;
  }

  Index inputs() const { return layers_[0].d; }
  Index outputs() const { return layers_[count_ - 1].m; }
  Index parameter_count() const { return parameter_count_; }
  int layers() const { return count_; }  // without the skip path, which is one layer more
  int blocks() const { return count_ + skip_; }
  bool skip() const { return skip_; }
  Layer<T>& layer(int l) const { return layers_[l]; }
  Layer<T>& last() const { return layers_[count_ - 1]; }

  // Parameters in, from the state's vector.
  void load(const T* parameters) {
    for_each([&](Layer<T>& layer) { to_panels(parameters + layer.flat, layer, layer.w); });
  }
  void load_moment(int i, const T* moment) {
    for_each([&](Layer<T>& layer) { to_panels(moment + layer.flat, layer, layer.moment[i]); });
  }
  void load_frozen(const bool* frozen) {
    for_each([&](Layer<T>& layer) { to_panels(frozen + layer.flat, layer, layer.frozen); });
  }

  // And out again.
  void save(T* parameters) const {
    for_each([&](const Layer<T>& layer) { from_panels(layer.w, layer, parameters + layer.flat); });
  }
  void save_moment(int i, T* moment) const {
    for_each([&](const Layer<T>& layer) { from_panels(layer.moment[i], layer, moment + layer.flat); });
  }
  void save_gradient(T* gradient) const {
    for_each([&](const Layer<T>& layer) { from_panels(layer.g, layer, gradient + layer.flat); });
  }

  template <class Use>
  void for_each(const Use& use) const {
    for (int l = 0; l < blocks(); ++l) use(layers_[l]);
  }

 private:
  // Calls move(flat, place, length) for every run of numbers that lie side by side in both.
  template <class Move>
  static void for_each_run(const Layer<T>& layer, const Move& move) {
    for (Index k = 0; k < layer.d + layer.bias; ++k)
      for (Index j = 0, run; j < layer.m; j += run) {
        run = layer.narrow ? 1 : smaller(PW<T>, layer.m - j);
        move(k * layer.m + j, layer.place(k, j), run);
      }
  }

  template <class U>
  static void to_panels(const U* flat, const Layer<T>& layer, U* panels) {
    for_each_run(layer, [&](Index from, Index to, Index run) { copy(flat + from, run, panels + to); });
  }
  template <class U>
  static void from_panels(const U* panels, const Layer<T>& layer, U* flat) {
    for_each_run(layer, [&](Index to, Index from, Index run) { copy(panels + from, run, flat + to); });
  }
  template <class U>
  static void copy(const U* from, Index count, U* to) {
    if (count == PW<T>)
      std::memcpy(to, from, std::size_t(PW<T>) * sizeof(U));  // of a length that the compiler knows
    else
      for (Index i = 0; i < count; ++i) to[i] = from[i];
  }

  int count_;
  bool skip_;
  int moments_;
  Index parameter_count_;
  Layer<T>* layers_;
};

}  // namespace glassnet::GLASSNET_LEVEL

// A network ready to work: forward, backward, penalties, one step. Twin of network.py and of NumpyEngine's step.
#pragma once
#include <cstring>

#include "activations.h"
#include "kernel.h"
#include "losses.h"
#include "matrix.h"
#include "optimizers.h"
#include "random.h"

namespace glassnet::GLASSNET_LEVEL {

constexpr Index CHUNK = 256;  // rows that go through the layers together, so that they stay in the cache

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

  template <class U>
  Panels<U> take_panels(Index rows, Index columns) {
    return {take<U>(panel_count<U>(columns) * rows * PW<U>), rows * PW<U>};
  }

  bool counting() const { return memory_ == nullptr; }
  std::size_t used() const { return used_; }

 private:
  char* memory_;
  std::size_t used_ = 0;
};

// What a network is to be ready for; each asks for memory of its own.
enum : int { FORWARD = 0, DELTAS = 1, GRADIENT = 2, INPUT_DELTAS = 4, MOMENTS = 8, FROZEN = 16 };

template <class T>
struct Layer {
  Index d, m, flat;  // flat: where its parameters begin in the state's vector
  int activation;
  bool bias;
  T *w, *wt, *g, *moment[MOST_MOMENTS];
  bool* frozen;
  Panels<T> x, z, h, dz;  // the last layer has h = z
  Panels<T> mask, out;    // with dropout; else out = h, and it is x of the next layer

  Index rows() const { return d + bias; }  // of its parameters
  Index size() const { return panel_count<T>(m) * rows() * PW<T>; }
};

template <class T>
class Network {
 public:
  // Ready for `rows` rows at once; `dropout` has a share for each hidden layer, or is null.
  Network(Shape shape, Index rows, int needs, int moments, const double* dropout, Arena& arena)
      : count_(shape.layers), skip_(shape.skip), needs_(needs), moments_(moments), dropout_(dropout) {
    layers_ = arena.take<Layer<T>>(count_ + skip_);
    input_ = arena.take_panels<T>(rows, shape.sizes[0]);
    input_gradient_ = needs & INPUT_DELTAS ? arena.take_panels<T>(rows, shape.sizes[0]) : Panels<T>{nullptr, 0};
    dy_ = arena.take<T>(shape.sizes[count_]);
    y_ = arena.take<T>(shape.sizes[count_]);
    Panels<T> x = input_;
    Index flat = 0;
    for (int l = 0; l < count_ + skip_; ++l) {
      Layer<T> layer{};
      const bool beside = l == count_, last = l == count_ - 1;  // u, the skip path, is one layer more, without a bias
      layer.d = shape.sizes[beside ? 0 : l], layer.m = shape.sizes[beside ? count_ : l + 1];
      layer.flat = flat, layer.x = beside ? input_ : x, layer.bias = shape.bias && !beside;
      layer.activation = last || beside ? Activations::find("identity") : shape.activations[l];
      layer.w = arena.take<T>(layer.size());
      if (needs & DELTAS && (needs & INPUT_DELTAS || (l > 0 && !beside)))
        layer.wt = arena.take<T>(panel_count<T>(layer.d) * layer.m * PW<T>);
      if (needs & GRADIENT) layer.g = arena.take<T>(layer.size());
      if (needs & MOMENTS)
        for (int i = 0; i < moments; ++i) layer.moment[i] = arena.take<T>(layer.size());
      if (needs & FROZEN) layer.frozen = arena.take<bool>(layer.size());
      if (beside) {
        layer.z = layer.h = layer.out = output_, layer.dz = output_delta_;
      } else {
        layer.z = arena.take_panels<T>(rows, layer.m);
        layer.h = last ? layer.z : arena.take_panels<T>(rows, layer.m);
        layer.out = layer.h;
        if (!last && dropout && dropout[l] > 0)
          layer.mask = arena.take_panels<T>(rows, layer.m), layer.out = arena.take_panels<T>(rows, layer.m);
        if (needs & DELTAS) layer.dz = arena.take_panels<T>(rows, layer.m);
        x = layer.out, output_ = layer.z, output_delta_ = layer.dz;
      }
      flat += layer.rows() * layer.m;
      if (!arena.counting()) layers_[l] = layer;
    }
    if (arena.counting()) return;
    // Padding is zero once and for all: what is written after never makes it anything else.
    for_each([&](Layer<T>& layer) {
      clear(layer.w, layer.size());
      if (layer.wt) clear(layer.wt, panel_count<T>(layer.d) * layer.m * PW<T>);
      if (layer.g) clear(layer.g, layer.size());
      for (int i = 0; i < MOST_MOMENTS; ++i)
        if (layer.moment[i]) clear(layer.moment[i], layer.size());
      if (layer.frozen) clear(layer.frozen, layer.size());
      if (layer.mask.data) clear(layer.mask.data, panel_count<T>(layer.m) * layer.mask.stride);
    });
    clear(input_.data, panel_count<T>(shape.sizes[0]) * input_.stride);
  }

  Index outputs() const { return layers_[count_ - 1].m; }
  int layers() const { return count_; }  // without the skip path, which is one layer more
  int blocks() const { return count_ + skip_; }
  const Layer<T>& layer(int l) const { return layers_[l]; }

  // Parameters in, from the state's vector.
  void load(const T* parameters) {
    for_each([&](Layer<T>& layer) { to_panels(parameters + layer.flat, layer, layer.w); });
    transpose_weights();
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

  // x of n ≤ rows rows: those of `order`, or first, first + 1, … where it is null.
  void gather(const Rows<T>& x, const Index* order, Index first, Index n) {
    const Index d = layers_[0].d;
    if (x.starts) clear_rows(input_, n, d);
    for (Index i = 0; i < n; ++i) {
      const Index row = order ? order[first + i] : first + i;
      if (x.starts) {
        for (Index e = x.starts[row]; e < x.starts[row + 1]; ++e) input_.at(i, x.columns[e]) += x.values[e];
      } else {
        for (Index p = 0; p < panel_count<T>(d); ++p) {
          const Index width = d - p * PW<T> < PW<T> ? d - p * PW<T> : PW<T>;
          std::memcpy(input_.row(p, i), x.values + row * d + p * PW<T>, std::size_t(width) * sizeof(T));
        }
      }
    }
  }

  // h = f(xw + b), layer by layer, for the n rows gathered; y stays in panels.
  void forward(Index n) {
    for (int l = 0; l < count_; ++l) {
      Layer<T>& layer = layers_[l];
      affine(layer.x, n, layer.d, layer.w, layer.m, layer.bias ? From::bias : From::zero, layer.z, [&](Index p) {
        if (layer.h.data == layer.z.data) return;
        const T* z = layer.z.panel(p);
        T* h = layer.h.panel(p);
        Activations::visit(layer.activation, [&](auto f) {
          for (Index i = 0; i < n * PW<T>; ++i) h[i] = f.call(z[i]);
        });
        if (!layer.mask.data) return;
        const T* mask = layer.mask.panel(p);
        T* out = layer.out.panel(p);
        for (Index i = 0; i < n * PW<T>; ++i) out[i] = h[i] * mask[i];
      });
    }
    if (!skip_) return;
    const Layer<T>& u = layers_[count_];
    affine(u.x, n, u.d, u.w, u.m, From::target, u.z, [](Index) {});
  }

  // The dropout masks of n rows of a batch, from row `first` of it on (a multiple of CHUNK).
  void draw_masks(std::uint64_t seed, Index epoch, Index batch, Index first, Index n) {
    for (int l = 0; l + 1 < count_; ++l) {
      Layer<T>& layer = layers_[l];
      if (!layer.mask.data) continue;
      const T keep = T(1 / (1 - dropout_[l]));
      const std::uint32_t below = std::uint32_t(dropout_[l] * 65536 + 0.5);
      // Sixteen draws a block, and rows that are cut at multiples of CHUNK begin a block.
      Words words(seed, PURPOSE_DROPOUT, std::uint64_t(epoch), std::uint64_t(batch), std::uint64_t(l),
                  std::uint64_t(first * layer.m / 16));
      std::uint32_t word = 0;
      bool high = false;
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < layer.m; ++j) {
          if (!high) word = words.next();
          const std::uint32_t draw = high ? word >> 16 : word & 0xffff;
          high = !high;
          layer.mask.at(i, j) = draw >= below ? keep : T(0);
        }
    }
  }

  // y of one row, (k,).
  const T* scores(Index i) {
    const Panels<T>& y = layers_[count_ - 1].z;
    for (Index j = 0; j < outputs(); ++j) y_[j] = y.at(i, j);
    return y_;
  }

  // Σ s ℓ over the n rows; with `scale` also dy = s · scale · ∂ℓ/∂y, where backward begins.
  double lose(Loss loss, const Targets<T>& targets, const Index* order, Index first, Index n, const double* scale) {
    const Layer<T>& last = layers_[count_ - 1];
    const Index k = last.m / loss.width;
    double total = 0;
    if (scale) clear_rows(last.dz, n, last.m);
    Losses::visit(
        loss.code,
        [&](auto l) {
          for (Index i = 0; i < n; ++i) {
            const Index row = order ? order[first + i] : first + i;
            const T *y = scores(i), *t = targets.t + row * k;
            const double s = targets.s ? double(targets.s[row]) : 1.0;
            total += s * double(l.row(y, t, int(k)));
            if (!scale) continue;
            l.slope(y, t, dy_, int(k));
            const T factor = T(s * *scale);
            for (Index j = 0; j < last.m; ++j) last.dz.at(i, j) = dy_[j] * factor;
          }
        },
        loss.hyper);
    return total;
  }

  // dy is the j-th unit vector in every row: what a Jacobian begins with.
  void set_unit_delta(Index j, Index n) {
    const Layer<T>& last = layers_[count_ - 1];
    clear_rows(last.dz, n, last.m);
    for (Index i = 0; i < n; ++i) last.dz.at(i, j) = T(1);
  }

  // dh = dz wᵀ, dz = dh ⊙ mask ⊙ f′(z), down to the first layer.
  void deltas(Index n) {
    for (int l = count_ - 1; l > 0; --l) {
      const Layer<T>& layer = layers_[l];
      Layer<T>& below = layers_[l - 1];
      affine(layer.dz, n, layer.m, layer.wt, layer.d, From::zero, below.dz, [&](Index p) {
        const T *z = below.z.panel(p), *h = below.h.panel(p);
        T* dz = below.dz.panel(p);
        if (below.mask.data) {
          const T* mask = below.mask.panel(p);
          for (Index i = 0; i < n * PW<T>; ++i) dz[i] *= mask[i];
        }
        Activations::visit(below.activation, [&](auto f) {
          for (Index i = 0; i < n * PW<T>; ++i) dz[i] *= f.derivative(z[i], h[i]);
        });
      });
    }
    if (!(needs_ & INPUT_DELTAS)) return;
    const auto nothing = [](Index) {};
    const Layer<T>& layer = layers_[0];
    affine(layer.dz, n, layer.m, layer.wt, layer.d, From::zero, input_gradient_, nothing);
    if (!skip_) return;
    const Layer<T>& u = layers_[count_];
    affine(u.dz, n, u.m, u.wt, u.d, From::target, input_gradient_, nothing);
  }

  Panels<T> input_gradient() const { return input_gradient_; }

  // dw = xᵀdz, db = Σ dz, added to what earlier chunks of the batch left.
  void gradients(Index n, bool first) {
    for_each([&](Layer<T>& layer) { gradient(layer.x, layer.dz, n, layer.d, layer.m, layer.bias, layer.g, first); });
  }

  // g += (α₂w + α₁ sign w) / rows, over weights, not biases; returns (α₂‖w‖² / 2 + α₁Σ|w|) / rows.
  double penalise(double l2, double l1, double rows) {
    if (l2 == 0 && l1 == 0) return 0;
    double squares = 0, lengths = 0;
    const T pull2 = T(l2 / rows), pull1 = T(l1 / rows);
    for_each([&](Layer<T>& layer) {
      for_each_panel(layer, [&](Index start) {
        const T* w = layer.w + start;
        T *g = layer.g + start, square[PW<T>] = {}, length[PW<T>] = {};
        for (Index k = 0; k < layer.d; ++k)
          for (Index v = 0; v < PW<T>; ++v) {
            const T weight = w[k * PW<T> + v];
            const T sign = weight > T(0) ? T(1) : weight < T(0) ? T(-1) : T(0);
            g[k * PW<T> + v] += pull2 * weight + pull1 * sign;
            square[v] += weight * weight;
            length[v] += std::fabs(weight);
          }
        for (Index v = 0; v < PW<T>; ++v) squares += double(square[v]), lengths += double(length[v]);
      });
    });
    return (0.5 * l2 * squares + l1 * lengths) / rows;
  }

  // What is frozen has no gradient.
  void mute_frozen() {
    for_each([&](Layer<T>& layer) {
      for (Index i = 0; i < layer.size(); ++i) layer.g[i] = layer.frozen[i] ? T(0) : layer.g[i];
    });
  }

  // g, or where ‖g‖ is larger, g scaled down to that length.
  void clip_norm(double largest) {
    double squares = 0;
    for_each([&](Layer<T>& layer) {
      for (Index i = 0; i < layer.size(); ++i) squares += double(layer.g[i]) * double(layer.g[i]);
    });
    const double norm = std::sqrt(squares);
    if (!(norm > largest)) return;
    const T factor = T(largest / norm);
    for_each([&](Layer<T>& layer) {
      for (Index i = 0; i < layer.size(); ++i) layer.g[i] *= factor;
    });
  }

  // Decay, then the optimizer's step, block by block; frozen parameters and their moments stay. `rates` has a pair of
  // factors for w and b of each block, or is null.
  void step(int optimizer, const double* hyper, double rate, const double* rates, double decay, Index step) {
    Optimizers::visit(optimizer, [&](auto o) {
      const double correction = o.correction(hyper, step);
      for (int l = 0; l < blocks(); ++l) {
        Layer<T>& layer = layers_[l];
        const double w_rate = rates ? rate * rates[2 * l] : rate, b_rate = rates ? rate * rates[2 * l + 1] : rate;
        const T shrink = T(1 - w_rate * decay);
        const auto update = [&](Index i, Index count, double eta) {
          T* moment[MOST_MOMENTS] = {};
          for (int j = 0; j < moments_; ++j) moment[j] = layer.moment[j] + i;
          o.update(layer.w + i, layer.g + i, moment, count, hyper, eta * correction);
        };
        if (!layer.frozen && decay == 0 && w_rate == b_rate) {  // nothing sets w and b apart
          update(0, layer.size(), w_rate);
          continue;
        }
        for_each_panel(layer, [&](Index start) {
          const Index weights = layer.d * PW<T>;
          if (layer.frozen) {
            for (Index i = start; i < start + layer.rows() * PW<T>; ++i) {
              if (layer.frozen[i]) continue;
              if (i < start + weights) layer.w[i] *= shrink;
              update(i, 1, i < start + weights ? w_rate : b_rate);
            }
            return;
          }
          if (decay != 0)
            for (Index i = start; i < start + weights; ++i) layer.w[i] *= shrink;
          update(start, weights, w_rate);
          if (layer.bias) update(start + weights, PW<T>, b_rate);
        });
      }
    });
  }

  // Scale down the weights into a unit whose length is above `largest`; the skip path is left as it is.
  void limit_columns(double largest) {
    for (int l = 0; l < count_; ++l) {
      Layer<T>& layer = layers_[l];
      for_each_panel(layer, [&](Index start) {
        T *w = layer.w + start, squares[PW<T>] = {}, factor[PW<T>];
        for (Index k = 0; k < layer.d; ++k)
          for (Index v = 0; v < PW<T>; ++v) squares[v] += w[k * PW<T> + v] * w[k * PW<T> + v];
        for (Index v = 0; v < PW<T>; ++v) {
          const T norm = std::sqrt(squares[v]);
          factor[v] = norm > T(largest) ? T(largest) / norm : T(1);
        }
        for (Index k = 0; k < layer.d; ++k)
          for (Index v = 0; v < PW<T>; ++v)
            if (!layer.frozen || !layer.frozen[start + k * PW<T> + v]) w[k * PW<T> + v] *= factor[v];
      });
    }
  }

  void transpose_weights() {
    for_each([&](Layer<T>& layer) {
      if (layer.wt) transpose(layer.w, layer.d, layer.m, layer.bias, layer.wt);
    });
  }

 private:
  template <class Use>
  void for_each(Use&& use) const {
    for (int l = 0; l < count_ + skip_; ++l) use(layers_[l]);
  }

  // Calls use(start) for every panel of a layer's parameters.
  template <class Use>
  static void for_each_panel(const Layer<T>& layer, Use&& use) {
    for (Index start = 0; start < layer.size(); start += layer.rows() * PW<T>) use(start);
  }

  template <class U>
  static void clear(U* data, Index count) {
    std::memset(static_cast<void*>(data), 0, std::size_t(count) * sizeof(U));
  }
  static void clear_rows(Panels<T> panels, Index n, Index columns) {
    for (Index p = 0; p < panel_count<T>(columns); ++p) clear(panels.panel(p), n * PW<T>);
  }

  // The bias, which follows w in the vector, is the row after the last of every panel.
  template <class U>
  void to_panels(const U* flat, const Layer<T>& layer, U* panels) const {
    for (Index k = 0; k < layer.rows(); ++k)
      for (Index j = 0; j < layer.m; ++j) panels[place(layer, k, j)] = flat[k * layer.m + j];
  }
  template <class U>
  void from_panels(const U* panels, const Layer<T>& layer, U* flat) const {
    for (Index k = 0; k < layer.rows(); ++k)
      for (Index j = 0; j < layer.m; ++j) flat[k * layer.m + j] = panels[place(layer, k, j)];
  }
  Index place(const Layer<T>& layer, Index k, Index j) const {
    return (j / PW<T>)*layer.rows() * PW<T> + k * PW<T> + j % PW<T>;
  }

  int count_;
  bool skip_;
  int needs_, moments_;
  const double* dropout_;
  Layer<T>* layers_;
  Panels<T> input_, input_gradient_, output_{}, output_delta_{};
  T *dy_, *y_;
};

}  // namespace glassnet::GLASSNET_LEVEL

// Forward, backward, one step, many epochs: twin of network.py and of NumpyEngine.
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
  T *w, *wt, *g, *moment[MOST_MOMENTS];
  bool* frozen;
  Panels<T> x, z, h, dz;  // x is h of the layer below; the last layer has h = z

  Index padded() const { return panel_count<T>(m); }
};

template <class T>
class Network {
 public:
  Network(Shape shape, Index rows, int needs, int moments, Arena& arena)
      : count_(shape.layers), bias_(shape.bias), needs_(needs), moments_(moments), rows_(rows) {
    layers_ = arena.take<Layer<T>>(count_);
    input_ = arena.take_panels<T>(rows, shape.sizes[0]);
    input_gradient_ = needs & INPUT_DELTAS ? arena.take_panels<T>(rows, shape.sizes[0]) : Panels<T>{nullptr, 0};
    dy_ = arena.take<T>(shape.sizes[count_]);
    y_ = arena.take<T>(shape.sizes[count_]);
    Panels<T> x = input_;
    Index flat = 0;
    for (int l = 0; l < count_; ++l) {
      Layer<T> layer{};
      layer.d = shape.sizes[l], layer.m = shape.sizes[l + 1], layer.flat = flat, layer.x = x;
      const bool last = l == count_ - 1;
      layer.activation = last ? Activations::find("identity") : shape.activations[l];
      const Index size = layer.padded() * (layer.d + bias_) * PW<T>;
      layer.w = arena.take<T>(size);
      if (needs & DELTAS && (l > 0 || needs & INPUT_DELTAS))
        layer.wt = arena.take<T>(panel_count<T>(layer.d) * layer.m * PW<T>);
      if (needs & GRADIENT) layer.g = arena.take<T>(size);
      if (needs & MOMENTS)
        for (int i = 0; i < moments; ++i) layer.moment[i] = arena.take<T>(size);
      if (needs & FROZEN) layer.frozen = arena.take<bool>(size);
      layer.z = arena.take_panels<T>(rows, layer.m);
      layer.h = last ? layer.z : arena.take_panels<T>(rows, layer.m);
      if (needs & DELTAS) layer.dz = arena.take_panels<T>(rows, layer.m);
      x = layer.h;
      flat += (layer.d + bias_) * layer.m;
      if (!arena.counting()) layers_[l] = layer;
    }
    if (arena.counting()) return;
    // Padding is zero once and for all: what is written after never makes it anything else.
    for (int l = 0; l < count_; ++l) {
      Layer<T>& layer = layers_[l];
      const Index size = layer.padded() * (layer.d + bias_) * PW<T>;
      clear(layer.w, size);
      if (layer.wt) clear(layer.wt, panel_count<T>(layer.d) * layer.m * PW<T>);
      if (layer.g) clear(layer.g, size);
      for (int i = 0; i < MOST_MOMENTS; ++i)
        if (layer.moment[i]) clear(layer.moment[i], size);
      if (layer.frozen) clear(layer.frozen, size);
    }
    clear(input_.data, panel_count<T>(shape.sizes[0]) * input_.stride);
  }

  Index outputs() const { return layers_[count_ - 1].m; }
  int layers() const { return count_; }
  const Layer<T>& layer(int l) const { return layers_[l]; }
  bool bias() const { return bias_; }

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
    for_each([&](Layer<T>& layer) {
      affine(layer.x, n, layer.d, layer.w, layer.m, bias_, layer.z, [&](Index p) {
        if (layer.h.data == layer.z.data) return;
        Activations::visit(layer.activation, [&](auto f) {
          const T* z = layer.z.panel(p);
          T* h = layer.h.panel(p);
          for (Index i = 0; i < n * PW<T>; ++i) h[i] = f.call(z[i]);
        });
      });
    });
  }

  // y of one row, (k,).
  const T* scores(Index i) {
    const Panels<T>& y = layers_[count_ - 1].z;
    for (Index j = 0; j < outputs(); ++j) y_[j] = y.at(i, j);
    return y_;
  }

  // Σ s ℓ over the n rows; with `scale` also dy = s · scale · ∂ℓ/∂y, where backward begins.
  double lose(int loss, const Targets<T>& targets, const Index* order, Index first, Index n, const double* scale) {
    const Layer<T>& last = layers_[count_ - 1];
    const Index k = last.m;
    double total = 0;
    if (scale) clear_rows(last.dz, n, k);
    Losses::visit(loss, [&](auto l) {
      for (Index i = 0; i < n; ++i) {
        const Index row = order ? order[first + i] : first + i;
        const T *y = scores(i), *t = targets.t + row * k;
        const double s = targets.s ? double(targets.s[row]) : 1.0;
        total += s * double(l.row(y, t, int(k)));
        if (!scale) continue;
        l.slope(y, t, dy_, int(k));
        const T factor = T(s * *scale);
        for (Index j = 0; j < k; ++j) last.dz.at(i, j) = dy_[j] * factor;
      }
    });
    return total;
  }

  // dy is the j-th unit vector in every row: what a Jacobian begins with.
  void set_unit_delta(Index j, Index n) {
    const Layer<T>& last = layers_[count_ - 1];
    clear_rows(last.dz, n, last.m);
    for (Index i = 0; i < n; ++i) last.dz.at(i, j) = T(1);
  }

  // dh = dz wᵀ, dz = dh ⊙ f′(z), down to the first layer.
  void deltas(Index n) {
    const auto nothing = [](Index) {};
    for (int l = count_ - 1; l > 0; --l) {
      const Layer<T>& layer = layers_[l];
      Layer<T>& below = layers_[l - 1];
      affine(layer.dz, n, layer.m, layer.wt, layer.d, false, below.dz, [&](Index p) {
        Activations::visit(below.activation, [&](auto f) {
          const T *z = below.z.panel(p), *h = below.h.panel(p);
          T* dz = below.dz.panel(p);
          for (Index i = 0; i < n * PW<T>; ++i) dz[i] *= f.derivative(z[i], h[i]);
        });
      });
    }
    const Layer<T>& layer = layers_[0];
    if (needs_ & INPUT_DELTAS) affine(layer.dz, n, layer.m, layer.wt, layer.d, false, input_gradient_, nothing);
  }

  Panels<T> input_gradient() const { return input_gradient_; }

  // dw = xᵀdz, db = Σ dz, added to what earlier chunks of the batch left.
  void gradients(Index n, bool first) {
    for_each([&](Layer<T>& layer) { gradient(layer.x, layer.dz, n, layer.d, layer.m, bias_, layer.g, first); });
  }

  // g += αw / rows, over weights, not biases; returns α‖w‖² / 2 rows.
  double penalise(double alpha, double rows) {
    if (alpha == 0) return 0;
    double squares = 0;
    const T factor = T(alpha / rows);
    for_each([&](Layer<T>& layer) {
      for (Index p = 0; p < layer.padded(); ++p) {
        const Index start = p * (layer.d + bias_) * PW<T>;
        const T* w = layer.w + start;
        T *g = layer.g + start, sums[PW<T>] = {};
        for (Index k = 0; k < layer.d; ++k)
          for (Index v = 0; v < PW<T>; ++v) {
            const T weight = w[k * PW<T> + v];
            g[k * PW<T> + v] += factor * weight;
            sums[v] += weight * weight;
          }
        for (Index v = 0; v < PW<T>; ++v) squares += double(sums[v]);
      }
    });
    return 0.5 * alpha * squares / rows;
  }

  // One step of the optimizer, layer by layer; frozen parameters and their moments stay.
  void step(int optimizer, const double* hyper, double rate, Index step) {
    Optimizers::visit(optimizer, [&](auto o) {
      for_each([&](Layer<T>& layer) {
        const Index size = layer.padded() * (layer.d + bias_) * PW<T>;
        if (!layer.frozen) {
          o.update(layer.w, layer.g, layer.moment, size, hyper, rate, step);
          return;
        }
        for (Index i = 0; i < size; ++i) {
          T* moment[MOST_MOMENTS] = {};
          for (int j = 0; j < moments_; ++j) moment[j] = layer.moment[j] + i;
          if (!layer.frozen[i]) o.update(layer.w + i, layer.g + i, moment, 1, hyper, rate, step);
        }
      });
    });
    transpose_weights();
  }

 private:
  template <class Use>
  void for_each(Use&& use) const {
    for (int l = 0; l < count_; ++l) use(layers_[l]);
  }

  void transpose_weights() {
    for_each([&](Layer<T>& layer) {
      if (layer.wt) transpose(layer.w, layer.d, layer.m, bias_, layer.wt);
    });
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
    for (Index k = 0; k < layer.d + bias_; ++k)
      for (Index j = 0; j < layer.m; ++j) panels[place(layer, k, j)] = flat[k * layer.m + j];
  }
  template <class U>
  void from_panels(const U* panels, const Layer<T>& layer, U* flat) const {
    for (Index k = 0; k < layer.d + bias_; ++k)
      for (Index j = 0; j < layer.m; ++j) flat[k * layer.m + j] = panels[place(layer, k, j)];
  }
  Index place(const Layer<T>& layer, Index k, Index j) const {
    return (j / PW<T>)*(layer.d + bias_) * PW<T> + k * PW<T> + j % PW<T>;
  }

  int count_;
  bool bias_;
  int needs_, moments_;
  Index rows_;
  Layer<T>* layers_;
  Panels<T> input_, input_gradient_;
  T *dy_, *y_;
};

inline int moments_of(int optimizer) {
  int count = 0;
  Optimizers::visit(optimizer, [&](auto o) { count = o.moments; });
  return count;
}

inline Index smaller(Index a, Index b) { return a < b ? a : b; }

// Σs of the rows, n where they have no weights.
template <class T>
double weight_of(const Targets<T>& targets, const Index* order, Index first, Index n) {
  if (!targets.s) return double(n);
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += double(targets.s[order ? order[first + i] : first + i]);
  return sum;
}

template <class T>
std::size_t forward(Shape shape, const T* parameters, Rows<T> x, T* y, Traces<T> traces, char* memory) {
  Arena arena(memory);
  Network<T> network(shape, smaller(CHUNK, x.n), FORWARD, 0, arena);
  if (arena.counting()) return arena.used();
  network.load(parameters);
  const Index k = network.outputs();
  for (Index first = 0; first < x.n; first += CHUNK) {
    const Index n = smaller(CHUNK, x.n - first);
    network.gather(x, nullptr, first, n);
    network.forward(n);
    for (Index i = 0; i < n; ++i) std::memcpy(y + (first + i) * k, network.scores(i), std::size_t(k) * sizeof(T));
    if (!traces.z) continue;
    for (int l = 0; l < network.layers(); ++l) {
      const Layer<T>& layer = network.layer(l);
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < layer.m; ++j) {
          traces.z[l][(first + i) * layer.m + j] = layer.z.at(i, j);
          traces.h[l][(first + i) * layer.m + j] = layer.h.at(i, j);
        }
    }
  }
  return arena.used();
}

template <class T>
std::size_t evaluate(Shape shape, const T* parameters, int loss, Rows<T> x, Targets<T> targets, double* value,
                     char* memory) {
  Arena arena(memory);
  Network<T> network(shape, smaller(CHUNK, x.n), FORWARD, 0, arena);
  if (arena.counting()) return arena.used();
  network.load(parameters);
  double total = 0;
  for (Index first = 0; first < x.n; first += CHUNK) {
    const Index n = smaller(CHUNK, x.n - first);
    network.gather(x, nullptr, first, n);
    network.forward(n);
    total += network.lose(loss, targets, nullptr, first, n, nullptr);
  }
  *value = total / weight_of(targets, nullptr, 0, x.n);
  return arena.used();
}

// The gradient of the mean loss of n rows into g of every layer; returns the loss with its penalty.
template <class T>
double batch_gradient(Network<T>& network, int loss, const Rows<T>& x, const Targets<T>& targets, const Index* order,
                      Index first, Index n, double l2) {
  const double weight = weight_of(targets, order, first, n), scale = 1 / weight;
  double total = 0;
  for (Index done = 0; done < n; done += CHUNK) {
    const Index rows = smaller(CHUNK, n - done);
    network.gather(x, order, first + done, rows);
    network.forward(rows);
    total += network.lose(loss, targets, order, first + done, rows, &scale);
    network.deltas(rows);
    network.gradients(rows, done == 0);
  }
  return total / weight + network.penalise(l2, weight);
}

template <class T>
std::size_t gradients(Shape shape, const T* parameters, int loss, Rows<T> x, Targets<T> targets, double l2,
                      double* value, T* g, char* memory) {
  Arena arena(memory);
  Network<T> network(shape, smaller(CHUNK, x.n), DELTAS | GRADIENT, 0, arena);
  if (arena.counting()) return arena.used();
  network.load(parameters);
  *value = batch_gradient(network, loss, x, targets, nullptr, 0, x.n, l2);
  network.save_gradient(g);
  return arena.used();
}

// ∂y/∂θ of every row into (n, k, P), or ∂y/∂x into (n, k, d).
template <class T>
std::size_t jacobian(Shape shape, const T* parameters, Rows<T> x, bool wrt_inputs, T* jacobian, char* memory) {
  Arena arena(memory);
  Network<T> network(shape, smaller(CHUNK, x.n), DELTAS | (wrt_inputs ? INPUT_DELTAS : 0), 0, arena);
  if (arena.counting()) return arena.used();
  network.load(parameters);
  const Index k = network.outputs(), d = network.layer(0).d, bias = network.bias();
  const Layer<T>& last = network.layer(network.layers() - 1);
  const Index width = wrt_inputs ? d : last.flat + (last.d + bias) * last.m;
  for (Index first = 0; first < x.n; first += CHUNK) {
    const Index n = smaller(CHUNK, x.n - first);
    network.gather(x, nullptr, first, n);
    network.forward(n);
    for (Index j = 0; j < k; ++j) {
      network.set_unit_delta(j, n);
      network.deltas(n);
      for (Index i = 0; i < n; ++i) {
        T* row = jacobian + ((first + i) * k + j) * width;
        if (wrt_inputs) {
          for (Index c = 0; c < d; ++c) row[c] = network.input_gradient().at(i, c);
          continue;
        }
        for (int l = 0; l < network.layers(); ++l) {
          const Layer<T>& layer = network.layer(l);
          for (Index r = 0; r < layer.d + bias; ++r) {
            const T input = r < layer.d ? layer.x.at(i, r) : T(1);
            for (Index c = 0; c < layer.m; ++c) row[layer.flat + r * layer.m + c] = input * layer.dz.at(i, c);
          }
        }
      }
    }
  }
  return arena.used();
}

// Engine.advance: each active member takes its steps; members do not meet.
template <class T>
std::size_t advance(const Training<T>& training, char* memory) {
  const Index n = training.x.n, size = training.batch_size, batches = (n + size - 1) / size;
  const int moments = moments_of(training.optimizer);
  Arena arena(memory);
  const int needs = DELTAS | GRADIENT | MOMENTS | (training.frozen ? FROZEN : 0);
  Network<T> network(training.shape, smaller(CHUNK, smaller(size, n)), needs, moments, arena);
  Index* order = training.shuffle ? arena.take<Index>(n) : nullptr;
  if (arena.counting()) return arena.used();
  if (training.frozen) network.load_frozen(training.frozen);

  const Index P = training.parameter_count;
  for (Index member = 0; member < training.members; ++member) {
    if (!training.active[member]) continue;
    T* parameters = training.parameters + member * P;
    const auto moment = [&](int i) { return training.moments + (i * training.members + member) * P; };
    network.load(parameters);
    for (int i = 0; i < moments; ++i) network.load_moment(i, moment(i));
    Index epoch = training.epoch, batch = training.batch;
    for (Index done = 0; done < training.steps; ++done) {
      if (order && (batch == 0 || done == 0)) permutation(training.seeds[member], std::uint64_t(epoch), n, order);
      if (batch == 0) training.loss_sum[member] = 0;
      const Index first = batch * size, rows = smaller(size, n - first);
      const double value =
          batch_gradient(network, training.loss, training.x, training.targets, order, first, rows, training.l2[member]);
      network.step(training.optimizer, training.hyper, training.learning_rate[member], training.step + done + 1);
      training.loss_sum[member] += value * double(rows);
      if (++batch == batches) ++epoch, batch = 0;
    }
    network.save(parameters);
    for (int i = 0; i < moments; ++i) network.save_moment(i, moment(i));
  }
  return arena.used();
}

}  // namespace glassnet::GLASSNET_LEVEL

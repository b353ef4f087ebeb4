// What the engine asks: forward, evaluate, gradients, jacobian, advance. Twin of NumpyEngine.
#pragma once
#include "network.h"

namespace glassnet::GLASSNET_LEVEL {

inline int moments_of(int optimizer) {
  int count = 0;
  Optimizers::visit(optimizer, [&](auto o) { count = o.moments; });
  return count;
}

inline int width_of(int loss) {
  int width = 1;
  const double none[4] = {};
  Losses::visit(loss, [&](auto l) { width = l.width; }, &none[0]);
  return width;
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
  Network<T> network(shape, smaller(CHUNK, x.n), FORWARD, 0, nullptr, arena);
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
std::size_t evaluate(Shape shape, const T* parameters, Loss loss, Rows<T> x, Targets<T> targets, double* value,
                     char* memory) {
  Arena arena(memory);
  Network<T> network(shape, smaller(CHUNK, x.n), FORWARD, 0, nullptr, arena);
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

// A minibatch: its rows are those of `order` from `first` on, or first, first + 1, … where it is null.
struct Batch {
  const Index* order;
  Index first, n;
};

// The gradient of the mean loss of a batch into g of every layer; returns the loss with its penalties. Before each
// chunk of rows goes forward, prepare(done, rows) is called.
template <class T, class Prepare>
double batch_gradient(Network<T>& network, Loss loss, const Rows<T>& x, const Targets<T>& targets, Batch batch,
                      double l2, double l1, const Prepare& prepare) {
  const double weight = weight_of(targets, batch.order, batch.first, batch.n), scale = 1 / weight;
  double total = 0;
  for (Index done = 0; done < batch.n; done += CHUNK) {
    const Index rows = smaller(CHUNK, batch.n - done);
    network.gather(x, batch.order, batch.first + done, rows);
    prepare(done, rows);
    network.forward(rows);
    total += network.lose(loss, targets, batch.order, batch.first + done, rows, &scale);
    network.deltas(rows);
    network.gradients(rows, done == 0);
  }
  return total / weight + network.penalise(l2, l1, weight);
}

template <class T>
std::size_t gradients(Shape shape, const T* parameters, Loss loss, Rows<T> x, Targets<T> targets, double l2, double l1,
                      double* value, T* g, char* memory) {
  Arena arena(memory);
  Network<T> network(shape, smaller(CHUNK, x.n), DELTAS | GRADIENT, 0, nullptr, arena);
  if (arena.counting()) return arena.used();
  network.load(parameters);
  *value = batch_gradient(network, loss, x, targets, {nullptr, 0, x.n}, l2, l1, [](Index, Index) {});
  network.save_gradient(g);
  return arena.used();
}

// ∂y/∂θ of every row into (n, k, P), or ∂y/∂x into (n, k, d).
template <class T>
std::size_t jacobian(Shape shape, const T* parameters, Rows<T> x, bool wrt_inputs, T* jacobian, char* memory) {
  Arena arena(memory);
  Network<T> network(shape, smaller(CHUNK, x.n), DELTAS | (wrt_inputs ? INPUT_DELTAS : 0), 0, nullptr, arena);
  if (arena.counting()) return arena.used();
  network.load(parameters);
  const Index k = network.outputs(), d = network.layer(0).d;
  const Layer<T>& last = network.layer(network.blocks() - 1);
  const Index width = wrt_inputs ? d : last.flat + last.rows() * last.m;
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
        for (int l = 0; l < network.blocks(); ++l) {
          const Layer<T>& layer = network.layer(l);
          for (Index r = 0; r < layer.rows(); ++r) {
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
  Network<T> network(training.shape, smaller(CHUNK, smaller(size, n)), needs, moments, training.dropout, arena);
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
      const double value = batch_gradient(network, training.loss, training.x, training.targets, {order, first, rows},
                                          training.l2[member], training.l1[member], [&](Index from, Index count) {
                                            if (training.dropout)
                                              network.draw_masks(training.seeds[member], epoch, batch, from, count);
                                          });
      if (training.frozen) network.mute_frozen();
      if (training.gradient_norm > 0) network.clip_norm(training.gradient_norm);
      network.step(training.optimizer, training.hyper, training.learning_rate[member] * training.factors[done],
                   training.rates, training.weight_decay[member], training.step + done + 1);
      if (training.weight_norm > 0) network.limit_columns(training.weight_norm);
      network.transpose_weights();
      training.loss_sum[member] += value * double(rows);
      if (++batch == batches) ++epoch, batch = 0;
    }
    network.save(parameters);
    for (int i = 0; i < moments; ++i) network.save_moment(i, moment(i));
  }
  return arena.used();
}

}  // namespace glassnet::GLASSNET_LEVEL

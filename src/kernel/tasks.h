// What the engine asks of a network as it is: forward, evaluate, jacobian, predict. Twin of NumpyEngine, as training.h.
#pragma once
#include <new>

#include "pass.h"

namespace glassnet::GLASSNET_LEVEL {

constexpr Index CHUNK = 256;   // rows that go through the layers together, at the most, so that they stay in the cache
constexpr double WORTH = 1e6;  // multiply-adds of a step below which a second thread costs more than it brings

inline int width_of(int loss) {
  int width = 1;
  const double none[4] = {};
  Losses::visit(loss, [&](auto l) { width = l.width; }, &none[0]);
  return width;
}

inline double larger_of(double a, double b) { return a > b ? a : b; }

inline Team alone(const Team& team) { return {1, team.self, team.share, team.seconds}; }

// Calls unit(i, worker) for every i below `units`.
template <class Unit>
void share(const Team& team, Index units, const Unit& unit) {
  if (team.workers == 1 || units == 1) {
    for (Index i = 0; i < units; ++i) unit(i, 0);
    return;
  }
  team.share(
      team.self, team.workers, units,
      [](void* context, Index i, int worker) { (*static_cast<const Unit*>(context))(i, worker); },
      const_cast<Unit*>(&unit));
}

// How many rows a unit of work has: about two units for each worker, unless they grow too small to be fast.
inline Index rows_of_a_unit(Index n, int workers) {
  const Index share = (n + workers - 1) / workers, half = (share + 1) / 2;
  const Index rows = workers == 1 ? CHUNK : half >= 64 ? half : share;
  return smaller(CHUNK, (rows + ROW_UNIT - 1) / ROW_UNIT * ROW_UNIT);
}

// Multiply-adds of a row forward; with what follows in a step about three times as many.
inline double work_of(Shape shape) {
  double sum = 0;
  for (int l = 0; l < shape.layers; ++l) sum += double(shape.sizes[l]) * double(shape.sizes[l + 1]);
  return sum;
}

// Σs of the rows, n where they have no weights.
template <class T>
double weight_of(const Targets<T>& targets, const Index* order, Index first, Index n) {
  if (!targets.s) return double(n);
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += double(targets.s[order ? order[first + i] : first + i]);
  return sum;
}

// A network and, for each worker, a pass of its own: rows stream through, nothing of them is kept.
template <class T>
struct Stream {
  Network<T> network;
  int workers;
  Index rows;
  Pass<T>** passes;
  Scratch<T>** scratches;

  Stream(Team team, Shape shape, const T* parameters, const Rows<T>& x, int needs, Arena& arena)
      : network(shape, WEIGHTS, 0, arena) {
    workers = work_of(shape) * double(x.n) < WORTH ? 1 : team.workers;
    rows = smaller(rows_of_a_unit(larger(x.n, 1), workers), (larger(x.n, 1) + ROW_UNIT - 1) / ROW_UNIT * ROW_UNIT);
    passes = arena.take<Pass<T>*>(workers), scratches = arena.take<Scratch<T>*>(workers);
    for (int worker = 0; worker < workers; ++worker) {
      Pass<T>* pass = arena.take<Pass<T>>(1);
      Scratch<T>* scratch = arena.take<Scratch<T>>(1);
      const Pass<T> ready(network, shape, rows, x.sparse(), needs, nullptr, arena);
      const Scratch<T> own(shape, needs, arena);
      if (arena.counting()) continue;
      passes[worker] = new (pass) Pass<T>(ready), scratches[worker] = new (scratch) Scratch<T>(own);
    }
    if (!arena.counting()) network.load(parameters);
  }

  // Calls use(first, n, pass, scratch, worker) for every part of the rows, gone forward.
  template <class Use>
  void run(const Team& team, const Rows<T>& x, const Use& use) {
    run_parts(team, x, true, use);
  }

  // The same once more with the same parameters: a single part is still there.
  template <class Use>
  void run_again(const Team& team, const Rows<T>& x, const Use& use) {
    run_parts(team, x, x.n > rows, use);
  }

 private:
  template <class Use>
  void run_parts(Team team, const Rows<T>& x, bool anew, const Use& use) {
    team.workers = int(smaller(team.workers, workers));
    share(team, (x.n + rows - 1) / rows, [&](Index unit, int worker) {
      const Index first = unit * rows, n = smaller(rows, x.n - first);
      const RowList<T> list{&x, nullptr, first};
      if (anew) {
        passes[worker]->gather(list, 0, n);
        passes[worker]->forward(list, 0, n);
      }
      use(first, n, *passes[worker], *scratches[worker], worker);
    });
  }
};

// y (n, k), row by row, of the n rows that a pass has seen.
template <class T>
void write_scores(const Pass<T>& pass, Index n, Index k, T* block, T* y) {
  for (Index i = 0; i < n; i += PW<T>) {
    pass.scores(i, block);
    for (Index r = 0; r < smaller(PW<T>, n - i); ++r)
      for (Index j = 0; j < k; ++j) y[(i + r) * k + j] = block[j * PW<T> + r];
  }
}

template <class T>
std::size_t forward(Team team, Shape shape, const T* parameters, Rows<T> x, T* y, Traces<T> traces, char* memory) {
  Arena arena(memory);
  Stream<T> stream(team, shape, parameters, x, FORWARD, arena);
  if (arena.counting()) return arena.used();
  const Index k = stream.network.outputs();
  stream.run(team, x, [&](Index first, Index n, const Pass<T>& pass, const Scratch<T>& scratch, int) {
    write_scores(pass, n, k, scratch.y, y + first * k);
    if (!traces.z) return;
    for (int l = 0; l < shape.layers; ++l) {
      const Index m = shape.sizes[l + 1];
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < m; ++j) {
          traces.z[l][(first + i) * m + j] = pass.z(l, i, j);
          traces.h[l][(first + i) * m + j] = pass.h(l, i, j);
        }
    }
  });
  return arena.used();
}

template <class T>
std::size_t evaluate(Team team, Shape shape, const T* parameters, Loss loss, Rows<T> x, Targets<T> targets,
                     double* value, char* memory) {
  Arena arena(memory);
  Stream<T> stream(team, shape, parameters, x, FORWARD, arena);
  const Index sums = (x.n + ROW_UNIT - 1) / ROW_UNIT;  // of as many rows each, whoever works them out
  double *row_loss = arena.take<double>(stream.workers * stream.rows), *sum = arena.take<double>(sums);
  if (arena.counting()) return arena.used();
  stream.run(team, x, [&](Index first, Index n, Pass<T>& pass, Scratch<T>& scratch, int worker) {
    double* losses = row_loss + worker * stream.rows;
    pass.lose(loss, targets, {&x, nullptr, first}, 0, n, nullptr, losses, scratch);
    for (Index i = 0; i < n; i += ROW_UNIT) {
      double& total = sum[(first + i) / ROW_UNIT];
      total = 0;
      for (Index r = i; r < smaller(i + ROW_UNIT, n); ++r) total += losses[r];
    }
  });
  double total = 0;
  for (Index i = 0; i < sums; ++i) total += sum[i];
  *value = total / weight_of(targets, nullptr, 0, x.n);
  return arena.used();
}

// ∂y/∂θ of every row into (n, k, P), or ∂y/∂x into (n, k, d).
template <class T>
std::size_t jacobian(Team team, Shape shape, const T* parameters, Rows<T> x, bool wrt_inputs, T* jacobian,
                     char* memory) {
  Arena arena(memory);
  Stream<T> stream(team, shape, parameters, x, DELTAS | (wrt_inputs ? INPUT_DELTAS : 0), arena);
  if (arena.counting()) return arena.used();
  const Network<T>& network = stream.network;
  const Index k = network.outputs(), d = network.inputs(), width = wrt_inputs ? d : network.parameter_count();
  stream.run(team, x, [&](Index first, Index n, Pass<T>& pass, Scratch<T>& scratch, int) {
    for (Index j = 0; j < k; ++j) {
      pass.set_unit_delta(j, n, scratch);
      pass.deltas(0, n, scratch);
      for (Index i = 0; i < n; ++i) {
        T* row = jacobian + ((first + i) * k + j) * width;
        if (wrt_inputs)
          for (Index c = 0; c < d; ++c) row[c] = pass.dx(i, c);
        else
          for (int l = 0; l < network.blocks(); ++l)
            pass.write_products(l, i, {&x, nullptr, first}, scratch, row + network.layer(l).flat);
      }
    }
  });
  return arena.used();
}

// A network that stays in memory, ready for one row after the other.
template <class T>
struct Prepared {
  Network<T> network;
  Pass<T> pass;
  Scratch<T> scratch;

  Prepared(Shape shape, Arena& arena)
      : network(shape, WEIGHTS, 0, arena),
        pass(network, shape, 1, false, FORWARD, nullptr, arena),
        scratch(shape, FORWARD, arena) {}
};

template <class T>
std::size_t prepare(Shape shape, const T* parameters, char* memory) {
  Arena arena(memory);
  Prepared<T>* place = arena.take<Prepared<T>>(1);
  if (arena.counting()) {
    Prepared<T>(shape, arena);
    return arena.used();
  }
  (new (place) Prepared<T>(shape, arena))->network.load(parameters);
  return arena.used();
}

template <class T>
void predict(const char* memory, const T* x, T* y) {
  Prepared<T>& prepared = *reinterpret_cast<Prepared<T>*>(const_cast<char*>(memory));
  const Rows<T> rows{1, x, nullptr, nullptr, nullptr, nullptr};
  const RowList<T> list{&rows, nullptr, 0};
  prepared.pass.gather(list, 0, 1);
  prepared.pass.forward(list, 0, 1);
  write_scores(prepared.pass, 1, prepared.network.outputs(), prepared.scratch.y, y);
}

template <class T>
void link(Loss loss, T* y, int m) {
  Losses::visit(loss.code, [&](auto l) { l.predict(y, m); }, loss.hyper);
}

}  // namespace glassnet::GLASSNET_LEVEL

// What the engine asks of a network that learns: gradients, and advance, the steps of a training.
#pragma once
#include "step.h"
#include "tasks.h"

namespace glassnet::GLASSNET_LEVEL {

constexpr Index SLAB = 1024;  // rows whose dz is kept until the gradient has summed them, unless more cost no memory

inline int moments_of(int optimizer) {
  int count = 0;
  Optimizers::visit(optimizer, [&](auto o) { count = o.moments; });
  return count;
}

// How many rows of a batch go through both phases of a step together. More than one slab needs the gradient in memory;
// the whole batch may need less.
inline Index rows_of_a_slab(Shape shape, Index batch) {
  double row = double(shape.sizes[0]), parameters = 0;
  for (int l = 0; l < shape.layers; ++l) {
    row += 3 * double(shape.sizes[l + 1]);  // z, h and dz
    parameters += double(shape.sizes[l] + 1) * double(shape.sizes[l + 1]);
  }
  return double(batch) * row <= parameters + double(SLAB) * row ? batch : smaller(SLAB, batch);
}

// What a step works with: the rows of a slab, blocks of weights, and memory for each worker.
template <class T>
struct Workshop {
  Network<T> network;
  Index rows;  // of a slab
  Pass<T> pass;
  Blocks<T> blocks;
  Scratch<T>** scratches;
  T** gradients;  // of a block, for each worker
  double* row_loss;
  Norms* norms;  // of each block

  Workshop(int workers, Shape shape, Index batch, bool sparse, int needs, int moments, const double* dropout,
           Arena& arena)
      : network(shape, needs | (batch > rows_of_a_slab(shape, batch) ? GRADIENT : 0), moments, arena),
        rows(rows_of_a_slab(shape, batch)),
        pass(network, shape, rows, sparse, DELTAS, dropout, arena),
        blocks(shape, sparse, arena) {
    scratches = arena.take<Scratch<T>*>(workers), gradients = arena.take<T*>(workers);
    for (int worker = 0; worker < workers; ++worker) {
      Scratch<T>* scratch = arena.take<Scratch<T>>(1);
      const Scratch<T> own(shape, DELTAS, arena);
      T* g = arena.take<T>(blocks.most_rows() * PW<T>);
      if (arena.counting()) continue;
      scratches[worker] = new (scratch) Scratch<T>(own), gradients[worker] = g;
    }
    row_loss = arena.take<double>(rows), norms = arena.take<Norms>(blocks.count());
  }
};

// A minibatch: its rows are those of `order` from `first` on, or first, first + 1, … where it is null.
struct Batch {
  const Index* order;
  Index first, n;
};

// The gradient of the mean loss of a batch, with its penalties, block by block; returns that loss. draw(first, i, n, …)
// makes the masks of rows i … i + n of the slab, which are those of the batch from `first` on. finish(block, layer, g,
// run) is given each block's gradient when it is whole; with `keep` it is left in the layers' g too.
template <class T, class Draw, class Finish>
double batch_gradient(const Team& team, Workshop<T>& shop, Loss loss, const Rows<T>& x, const Targets<T>& targets,
                      Batch batch, double l2, double l1, bool keep, const Draw& draw, const Finish& finish) {
  const double weight = weight_of(targets, batch.order, batch.first, batch.n), scale = 1 / weight;
  double total = 0;
  for (Index done = 0; done < batch.n; done += shop.rows) {
    const Index n = smaller(shop.rows, batch.n - done), part = rows_of_a_unit(n, team.workers);
    const RowList<T> slab{&x, batch.order, batch.first + done};
    share(team, (n + part - 1) / part, [&](Index unit, int worker) {
      const Index i = unit * part, count = smaller(part, n - i);
      const RowList<T> rows = slab.from(i);
      shop.pass.gather(rows, i, count);
      draw(done + i, i, count, *shop.scratches[worker]);
      shop.pass.forward(rows, i, count);
      shop.pass.lose(loss, targets, rows, i, count, &scale, shop.row_loss + i, *shop.scratches[worker]);
      shop.pass.deltas(i, count, *shop.scratches[worker]);
    });
    for (Index i = 0; i < n; ++i) total += shop.row_loss[i];
    const bool last = done + n == batch.n, whole = done == 0 && last && !keep;  // nothing to remember
    share(team, shop.blocks.count(), [&](Index unit, int worker) {
      const Block& block = shop.blocks[unit];
      const Layer<T>& layer = shop.network.layer(block.l);
      T* g = whole ? shop.gradients[worker] : layer.g + Blocks<T>::start(layer, block, 0);
      const Index run = whole ? Blocks<T>::rows(layer, block) * PW<T> : layer.panel();
      block_gradient(shop.pass, layer, block, slab, n, done == 0 ? From::zero : From::target, g, run);
      if (!last) return;
      shop.norms[unit] = penalise(layer, block, l2, l1, weight, g, run);
      finish(block, layer, g, run);
    });
  }
  double squares = 0, lengths = 0;
  for (Index i = 0; i < shop.blocks.count(); ++i) squares += shop.norms[i].squares, lengths += shop.norms[i].lengths;
  return total / weight + (0.5 * l2 * squares + l1 * lengths) / weight;
}

template <class T>
std::size_t gradients(Team team, Shape shape, const T* parameters, Loss loss, Rows<T> x, Targets<T> targets, double l2,
                      double l1, double* value, T* g, char* memory) {
  Arena arena(memory);
  if (work_of(shape) * 3 * double(x.n) < WORTH) team = alone(team);
  Workshop<T> shop(team.workers, shape, x.n, x.sparse(), GRADIENT, 0, nullptr, arena);
  if (arena.counting()) return arena.used();
  shop.network.load(parameters);
  *value = batch_gradient(
      team, shop, loss, x, targets, {nullptr, 0, x.n}, l2, l1, true, [](Index, Index, Index, Scratch<T>&) {},
      [](const Block&, const Layer<T>&, T*, Index) {});
  shop.network.save_gradient(g);
  return arena.used();
}

// One step of a member: the gradient of a batch, and the optimizer's step.
template <class T>
double one_step(const Team& team, Workshop<T>& shop, const Training<T>& training, Index member, Batch batch,
                Index epoch, Index number, Index done) {
  const Move move(training.optimizer, training.hyper, training.learning_rate[member] * training.factors[done],
                  training.rates, training.weight_decay[member], training.step + done + 1);
  const auto step = [&](const Block& block, const Layer<T>& layer, T* g, Index run) {
    move_block(layer, block, move, g, run);
  };
  const auto draw = [&](Index first, Index i, Index n, Scratch<T>& scratch) {
    if (training.dropout) shop.pass.draw_masks(training.seeds[member], epoch, number, first, i, n, scratch);
  };
  const double l2 = training.l2[member], l1 = training.l1[member];
  double value;
  if (training.gradient_norm > 0) {  // which only all blocks together have
    value = batch_gradient(team, shop, training.loss, training.x, training.targets, batch, l2, l1, true, draw,
                           [](const Block&, const Layer<T>&, T*, Index) {});
    if (training.frozen) mute_frozen(shop.network);
    clip_norm(shop.network, training.gradient_norm);
    share(team, shop.blocks.count(), [&](Index unit, int) {
      const Block& block = shop.blocks[unit];
      const Layer<T>& layer = shop.network.layer(block.l);
      step(block, layer, layer.g + Blocks<T>::start(layer, block, 0), layer.panel());
    });
  } else {
    value = batch_gradient(team, shop, training.loss, training.x, training.targets, batch, l2, l1, false, draw, step);
  }
  if (training.weight_norm > 0) limit_columns(shop.network, training.weight_norm);
  return value;
}

// Makes a step alone or together. What was faster goes on; the other is tried now and then, since another process may
// come or go, but never for more than a small part of the time.
template <class Step>
void run_at_best_pace(const Team& team, Pace& pace, const Step& step) {
  constexpr int tried = 4;  // steps of a measurement
  constexpr double seldom = 0.05, part = 0.02;
  if (team.workers == 1) return step(team);
  const double before = team.seconds();
  if (pace.left == 0) {
    const bool both = pace.alone > 0 && pace.together > 0, better = pace.together <= pace.alone;
    const double cost = (tried + 1) * (better ? pace.alone - pace.together : pace.together - pace.alone);
    const bool due = before - pace.tried > larger_of(seldom, cost / part);
    const bool next = !both ? pace.together == 0 : due ? !better : better;
    if (both && due) pace.tried = before;
    pace.settled = next == pace.is_together;
    pace.is_together = next, pace.left = tried, pace.spent = 0;
  }
  step(pace.is_together ? team : alone(team));
  if (!pace.settled) {  // the first step after a change wakes the others up
    pace.settled = true;
    return;
  }
  pace.spent += team.seconds() - before;
  if (--pace.left == 0) (pace.is_together ? pace.together : pace.alone) = pace.spent / tried;
}

// The order of an epoch, unless it is the one that is kept.
template <class T>
void shuffle(const Training<T>& training, Index member, Index epoch, Index* order) {
  const std::uint64_t seed = training.seeds[member];
  Order* const kept = training.order;
  if (kept && kept->n == training.x.n && kept->seed == seed && kept->epoch == epoch) return;
  permutation(seed, std::uint64_t(epoch), training.x.n, order);
  if (kept) kept->n = training.x.n, kept->seed = seed, kept->epoch = epoch;
}

// The steps of one member.
template <class T, class Run>
void train_member(Workshop<T>& shop, const Training<T>& training, Index member, Index* order, const Run& run) {
  const Index n = training.x.n, size = training.batch_size, batches = (n + size - 1) / size;
  T* parameters = training.parameters + member * training.parameter_count;
  const int moments = moments_of(training.optimizer);
  const auto moment = [&](int i) {
    return training.moments + (i * training.members + member) * training.parameter_count;
  };
  shop.network.load(parameters);
  for (int i = 0; i < moments; ++i) shop.network.load_moment(i, moment(i));
  Index epoch = training.epoch, batch = training.batch;
  for (Index done = 0; done < training.steps; ++done) {
    if (order && (batch == 0 || done == 0)) shuffle(training, member, epoch, order);
    if (batch == 0) training.loss_sum[member] = 0;
    const Index first = batch * size, rows = smaller(size, n - first);
    run([&](const Team& team) {
      const double value = one_step(team, shop, training, member, {order, first, rows}, epoch, batch, done);
      training.loss_sum[member] += value * double(rows);
    });
    if (++batch == batches) ++epoch, batch = 0;
  }
  shop.network.save(parameters);
  for (int i = 0; i < moments; ++i) shop.network.save_moment(i, moment(i));
}

// Engine.advance: each active member takes its steps; members do not meet. Workers share out whole members where there
// are enough of them, or steps are short; else the rows and the weights of every step.
template <class T>
std::size_t advance(Team team, const Training<T>& training, Pace* pace, char* memory) {
  const Index batch = smaller(training.batch_size, training.x.n);
  const bool long_steps = work_of(training.shape) * 3 * double(batch) >= WORTH;
  Index members = 0;
  for (Index k = 0; k < training.members; ++k) members += training.active[k];
  const bool by_member = members > 1 && (members >= team.workers || !long_steps);
  if (!by_member && !long_steps) team = alone(team);
  const int shops = by_member ? int(smaller(team.workers, members)) : 1;
  const int needs = MOMENTS | (training.frozen ? FROZEN : 0) | (training.gradient_norm > 0 ? GRADIENT : 0);

  Arena arena(memory);
  Workshop<T>** workshops = arena.take<Workshop<T>*>(shops);
  Index **orders = arena.take<Index*>(shops), *which = arena.take<Index>(members);
  for (int i = 0; i < shops; ++i) {
    Workshop<T>* place = arena.take<Workshop<T>>(1);
    Index* order = !training.shuffle ? nullptr
                   : training.order  ? training.order->rows
                                     : arena.take<Index>(training.x.n);
    if (arena.counting()) {
      Workshop<T>(by_member ? 1 : team.workers, training.shape, batch, training.x.sparse(), needs,
                  moments_of(training.optimizer), training.dropout, arena);
      continue;
    }
    workshops[i] = new (place) Workshop<T>(by_member ? 1 : team.workers, training.shape, batch, training.x.sparse(),
                                           needs, moments_of(training.optimizer), training.dropout, arena);
    orders[i] = order;
    if (training.frozen) workshops[i]->network.load_frozen(training.frozen);
  }
  if (arena.counting()) return arena.used();
  for (Index k = 0, i = 0; k < training.members; ++k)
    if (training.active[k]) which[i++] = k;
  if (by_member) {
    team.workers = shops;
    share(team, members, [&](Index i, int worker) {
      const auto run = [&](const auto& step) { step(alone(team)); };
      train_member(*workshops[worker], training, which[i], orders[worker], run);
    });
  } else {
    const auto run = [&](const auto& step) { run_at_best_pace(team, *pace, step); };
    for (Index i = 0; i < members; ++i) train_member(*workshops[0], training, which[i], orders[0], run);
  }
  return arena.used();
}

}  // namespace glassnet::GLASSNET_LEVEL

// From dz to new weights: the gradient of a block of weights and the optimizer's step there, in one go while the block
// is in the first cache. Twin of NumpyEngine's step. A block is a unit of work: where blocks end depends on the network
// alone, so no bit depends on who takes which.
#pragma once
#include "pass.h"

namespace glassnet::GLASSNET_LEVEL {

constexpr Index BLOCK_PANELS = 2, BLOCK_FEATURES = 64, NARROW_BLOCK_FEATURES = 4096;

// The weights from features begin … end of layer l into the units of some panels, with their biases at the last
// feature. In memory it is one run of rows of PW numbers for each panel, of a narrow layer a single one.
struct Block {
  int l;
  Index panel, runs;
  Index begin, end;
};

template <class T>
class Blocks {
 public:
  // A sparse input is not cut by features: each block would read all of it.
  Blocks(Shape shape, bool sparse, Arena& arena) {
    for (int twice = 0; twice < 2; ++twice) {  // count, then fill
      count_ = most_rows_ = 0;
      for (int l = 0; l < shape.layers + shape.skip; ++l) {
        const Layer<T> layer = layer_of<T>(shape, l);
        const bool whole = sparse && (l == 0 || l == shape.layers);
        const Index panels = layer.narrow ? 1 : panel_count<T>(layer.m), together = layer.narrow ? 1 : BLOCK_PANELS;
        const Index features = whole ? layer.d : layer.narrow ? NARROW_BLOCK_FEATURES : BLOCK_FEATURES;
        for (Index p = 0; p < panels; p += together)
          for (Index k = 0; k < layer.d; k += features) {
            const Block block{l, p, smaller(together, panels - p), k, smaller(k + features, layer.d)};
            if (blocks_) blocks_[count_] = block;
            most_rows_ = larger(most_rows_, block.runs * rows(layer, block));
            ++count_;
          }
      }
      if (twice == 0) blocks_ = arena.take<Block>(count_);
    }
  }

  Index count() const { return count_; }
  const Block& operator[](Index i) const { return blocks_[i]; }
  Index most_rows() const { return most_rows_; }  // of a block, all its runs together

  // Rows of weights, and of all parameters, in a run; and where run i begins.
  static Index weight_rows(const Layer<T>& layer, const Block& block) {
    return layer.narrow ? panel_count<T>(block.end - block.begin) * layer.m : block.end - block.begin;
  }
  static Index rows(const Layer<T>& layer, const Block& block) {
    return weight_rows(layer, block) + (layer.bias && block.end == layer.d);
  }
  static Index start(const Layer<T>& layer, const Block& block, Index i) {
    return layer.narrow ? block.begin * layer.m : (block.panel + i) * layer.panel() + block.begin * PW<T>;
  }

 private:
  Block* blocks_ = nullptr;
  Index count_ = 0, most_rows_ = 0;
};

// dw = xᵀdz, db = Σ dz of a block over the first n rows of a pass, from zero or added to g; runs of g are `g_run`
// apart.
template <class T>
void block_gradient(const Pass<T>& pass, const Layer<T>& layer, const Block& block, const RowList<T>& rows, Index n,
                    From from, T* g, Index g_run) {
  const bool sparse = (block.l == 0 || block.l == pass.layers()) && rows.x->sparse();
  const Index features = block.end - block.begin, weights = Blocks<T>::weight_rows(layer, block) * PW<T>;
  const Panels<T> whole = pass.x_of(block.l), x{sparse ? nullptr : whole.panel(block.begin / PW<T>), whole.stride};
  const bool biases = layer.bias && block.end == layer.d;
  if (layer.narrow) {
    if (sparse)
      sparse_narrow_gradient(rows, n, layer.d, pass.dy(), pass.unit(), layer.m, from, g);
    else
      narrow_gradient(x, features, pass.dy(), pass.unit(), n, layer.m, from, g);
    if (biases) narrow_gradient_of_bias(pass.dy(), pass.unit(), n, layer.m, from, g + weights);
    return;
  }
  const Panels<T> all = pass.dz_of(block.l), dz{all.panel(block.panel), all.stride};
  for (Index i = 0; i < block.runs; ++i) {
    if (sparse) sparse_gradient_panel(rows, n, layer.d, dz.panel(i), from, g + i * g_run);
    if (biases) gradient_of_bias(dz.panel(i), n, from, g + i * g_run + weights);
  }
  if (sparse) return;
  Index i = 0;
  for (; block.runs - i >= TILE_PANELS; i += TILE_PANELS)
    gradient_panels<T, TILE_PANELS>(x, features, {dz.panel(i), dz.stride}, n, from, g + i * g_run, g_run);
  for (; i < block.runs; ++i)
    gradient_panels<T, 1>(x, features, {dz.panel(i), dz.stride}, n, from, g + i * g_run, g_run);
}

// Σw² and Σ|w|, of which penalties are made.
struct Norms {
  double squares, lengths;
};

// g += (α₂w + α₁ sign w) / Σs over the weights of a block, not its biases; returns their norms.
template <class T>
Norms penalise(const Layer<T>& layer, const Block& block, double l2, double l1, double weight, T* g, Index g_run) {
  Norms norms{};
  if (l2 == 0 && l1 == 0) return norms;
  const T pull2 = T(l2 / weight), pull1 = T(l1 / weight);
  for (Index i = 0; i < block.runs; ++i) {
    const T* w = layer.w + Blocks<T>::start(layer, block, i);
    T* GLASSNET_RESTRICT into = g + i * g_run;
    T square[PW<T>] = {}, length[PW<T>] = {};
    for (Index k = 0; k < Blocks<T>::weight_rows(layer, block) * PW<T>; k += PW<T>)
      for (Index v = 0; v < PW<T>; ++v) {
        const T a = w[k + v], sign = a > T(0) ? T(1) : a < T(0) ? T(-1) : T(0);
        into[k + v] += pull2 * a + pull1 * sign;
        square[v] += a * a;
        length[v] += std::fabs(a);
      }
    for (Index v = 0; v < PW<T>; ++v) norms.squares += double(square[v]), norms.lengths += double(length[v]);
  }
  return norms;
}

// One step of the optimizer, for all blocks alike; `rates` has a pair of factors for w and b of each layer, or is null.
struct Move {
  int optimizer;
  const double* hyper;
  double rate;
  const double* rates;
  double decay, correction;

  Move(int optimizer, const double* hyper, double rate, const double* rates, double decay, Index step)
      : optimizer(optimizer), hyper(hyper), rate(rate), rates(rates), decay(decay) {
    Optimizers::visit(optimizer, [&](auto o) { correction = o.correction(hyper, step); });
  }
};

// Decay, then the optimizer's step, for a block whose gradient is g; frozen parameters and their moments stay.
template <class T>
void move_block(const Layer<T>& layer, const Block& block, const Move& move, T* g, Index g_run) {
  const double w_rate = move.rates ? move.rate * move.rates[2 * block.l] : move.rate;
  const double b_rate = move.rates ? move.rate * move.rates[2 * block.l + 1] : move.rate;
  const Index weights = Blocks<T>::weight_rows(layer, block) * PW<T>, all = Blocks<T>::rows(layer, block) * PW<T>;
  const T shrink = T(1 - w_rate * move.decay);
  Optimizers::visit(move.optimizer, [&](auto o) {
    for (Index i = 0; i < block.runs; ++i) {
      const Index start = Blocks<T>::start(layer, block, i);
      T* w = layer.w + start;
      const auto update = [&](Index from, Index count, double rate) {
        T* moment[MOST_MOMENTS];
        for (int j = 0; j < o.moments; ++j) moment[j] = layer.moment[j] + start + from;
        o.update(w + from, g + i * g_run + from, moment, count, move.hyper, rate * move.correction);
      };
      if (layer.frozen) {
        const bool* frozen = layer.frozen + start;
        for (Index k = 0; k < all; ++k) {
          if (frozen[k]) continue;
          if (k < weights) w[k] *= shrink;
          update(k, 1, k < weights ? w_rate : b_rate);
        }
        continue;
      }
      if (move.decay != 0)
        for (Index k = 0; k < weights; ++k) w[k] *= shrink;
      if (w_rate == b_rate) {  // nothing sets w and b apart
        update(0, all, w_rate);
      } else {
        update(0, weights, w_rate);
        update(weights, all - weights, b_rate);
      }
    }
  });
}

// What is frozen has no gradient.
template <class T>
void mute_frozen(const Network<T>& network) {
  network.for_each([&](Layer<T>& layer) {
    for (Index i = 0; i < layer.size(); ++i) layer.g[i] = layer.frozen[i] ? T(0) : layer.g[i];
  });
}

// g, or where ‖g‖ is larger, g scaled down to that length.
template <class T>
void clip_norm(const Network<T>& network, double largest) {
  double squares = 0;
  network.for_each([&](Layer<T>& layer) {
    for (Index i = 0; i < layer.size(); ++i) squares += double(layer.g[i]) * double(layer.g[i]);
  });
  const double norm = std::sqrt(squares);
  if (!(norm > largest)) return;
  const T factor = T(largest / norm);
  network.for_each([&](Layer<T>& layer) {
    for (Index i = 0; i < layer.size(); ++i) layer.g[i] *= factor;
  });
}

// Scale down the weights into a unit whose length is above `largest`; the skip path is left as it is.
template <class T>
void limit_columns(const Network<T>& network, double largest) {
  for (int l = 0; l < network.layers(); ++l) {
    Layer<T>& layer = network.layer(l);
    for (Index j = 0; j < layer.m; ++j) {
      T squares = 0;
      for (Index k = 0; k < layer.d; ++k) squares += layer.w[layer.place(k, j)] * layer.w[layer.place(k, j)];
      const T norm = std::sqrt(squares), factor = norm > T(largest) ? T(largest) / norm : T(1);
      for (Index k = 0; k < layer.d; ++k) {
        const Index place = layer.place(k, j);
        if (!layer.frozen || !layer.frozen[place]) layer.w[place] *= factor;
      }
    }
  }
}

}  // namespace glassnet::GLASSNET_LEVEL

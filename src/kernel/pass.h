// What runs through a network: forward, the loss, backward to dz of every layer. Twin of network.py's forward and
// backward. Rows do not meet before the gradient sums them, so any part of the rows can run on any thread.
#pragma once
#include "losses.h"
#include "network.h"
#include "random.h"
#include "sparse.h"

namespace glassnet::GLASSNET_LEVEL {

constexpr Index ROW_UNIT = 16;  // rows are cut at multiples of this: whole blocks of PW rows

// `width` ≤ PW numbers into a row of a panel. A copy of fixed length is fast, so where the array goes on for long
// enough it takes more: what pads a row is anything.
template <class T>
inline void copy_part(const T* from, Index width, const T* end, T* to) {
  if (end - from >= PW<T>)
    for (Index v = 0; v < PW<T>; v += Lanes<T>::width) Lanes<T>::load(from + v).store(to + v);
  else
    for (Index v = 0; v < width; ++v) to[v] = from[v];
}

// Ask for memory that will be read soon.
template <class T>
inline void prefetch(const T* from, Index count) {
#if defined(__GNUC__)
  for (Index k = 0; k < count; k += PW<T>) __builtin_prefetch(from + k);
#else
  static_cast<void>(from), static_cast<void>(count);
#endif
}

// What a pass is to be ready for.
enum : int { FORWARD = 0, DELTAS = 1, INPUT_DELTAS = 2 };

inline Index widest(Shape shape) {
  Index most = 0;
  for (int l = 0; l <= shape.layers; ++l) most = larger(most, shape.sizes[l]);
  return most;
}

// A worker's own memory: a part of wᵀ; y, t, dy and the loss of PW rows, [unit][PW]; a row, and its random draws.
template <class T>
struct Scratch {
  T *turned, *row, *y, *t, *dy, loss[PW<T>];
  std::uint16_t* draws;

  Scratch(Shape shape, int needs, Arena& arena) {
    const Index outputs = panel_count<T>(shape.sizes[shape.layers]) * PW<T>;
    turned = needs & DELTAS ? arena.take<T>(TILE_PANELS * DEPTH * PW<T>) : nullptr;
    draws = arena.take<std::uint16_t>(widest(shape) + 32), row = arena.take<T>(widest(shape));
    y = arena.take<T>(outputs * PW<T>), t = arena.take<T>(outputs * PW<T>), dy = arena.take<T>(outputs * PW<T>);
  }
};

template <class T>
class Pass {
 public:
  // Ready for `rows` rows at once; `dropout` has a share for each hidden layer, or is null.
  Pass(const Network<T>& network, Shape shape, Index rows, bool sparse, int needs, const double* dropout, Arena& arena)
      : network_(network), needs_(needs), dropout_(dropout), unit_((rows + ROW_UNIT - 1) / ROW_UNIT * ROW_UNIT) {
    padded_ = layer_of<T>(shape, 0).narrow || (shape.skip && layer_of<T>(shape, shape.layers).narrow);
    steps_ = arena.take<LayerPass>(shape.layers);
    if (!sparse) input_ = arena.take_panels<T>(unit_, shape.sizes[0]);
    if (needs & INPUT_DELTAS) input_delta_ = arena.take_panels<T>(unit_, shape.sizes[0]);
    for (int l = 0; l < shape.layers; ++l) {
      const Layer<T> layer = layer_of<T>(shape, l);
      LayerPass step{};
      const bool last = l == shape.layers - 1;
      if (layer.narrow) {
        step.y = arena.take<T>(layer.m * unit_);
        if (needs & DELTAS) step.dy = arena.take<T>(layer.m * unit_);
      } else {
        step.z = arena.take_panels<T>(unit_, layer.m);
        step.h = step.out = last ? step.z : arena.take_panels<T>(unit_, layer.m);
        if (!last && dropout && dropout[l] > 0)
          step.mask = arena.take_panels<T>(unit_, layer.m), step.out = arena.take_panels<T>(unit_, layer.m);
        if (needs & DELTAS) step.dz = arena.take_panels<T>(unit_, layer.m);
      }
      if (arena.counting()) continue;
      steps_[l] = step;
      if (step.mask.data) clear(step.mask.data, panel_count<T>(layer.m) * step.mask.stride);
    }
  }

  // x of the rows i … i + n of the pass, which are the first n of `rows`.
  void gather(const RowList<T>& rows, Index i, Index n) {
    if (rows.x->sparse()) return;
    const Index d = network_.inputs(), panels = panel_count<T>(d);
    const T *values = rows.x->values, *end = values + rows.x->n * d;
    for (Index r = 0; r < n; ++r) {
      const T* x = values + rows[r] * d;
      if (r + 8 < n) prefetch(values + rows[r + 8] * d, d);
      for (Index p = 0; p < panels; ++p)
        copy_part(x + p * PW<T>, smaller(PW<T>, d - p * PW<T>), end, input_.row(p, i + r));
      if (padded_)
        for (Index k = d; k < panels * PW<T>; ++k) input_.at(i + r, k) = T(0);
    }
  }

  // h = f(xw + b), layer by layer, for the rows i … i + n gathered from `rows`.
  void forward(const RowList<T>& rows, Index i, Index n) {
    for (int l = 0; l < network_.layers(); ++l) {
      const Layer<T>& layer = network_.layer(l);
      apply(layer, l == 0, l, rows, i, n, layer.bias ? From::bias : From::zero);
    }
    if (network_.skip())
      apply(network_.layer(network_.layers()), true, network_.layers() - 1, rows, i, n, From::target);
  }

  // The dropout masks of the rows i … i + n of the pass, which are those of a batch from row `first` on.
  void draw_masks(std::uint64_t seed, Index epoch, Index batch, Index first, Index i, Index n, Scratch<T>& scratch) {
    for (int l = 0; l + 1 < network_.layers(); ++l) {
      const Panels<T> mask = steps_[l].mask;
      if (!mask.data) continue;
      const Index m = network_.layer(l).m;
      const T keep = T(1 / (1 - dropout_[l]));
      const std::uint32_t below = std::uint32_t(dropout_[l] * 65536 + 0.5);
      const Address address{seed, PURPOSE_DROPOUT, std::uint64_t(epoch), std::uint64_t(batch), std::uint64_t(l)};
      for (Index r = 0; r < n; ++r) {
        const std::uint16_t* draw = draws(address, std::uint64_t((first + r) * m), m, scratch.draws);
        for (Index j = 0; j < m; j += PW<T>) {
          T* row = mask.row(j / PW<T>, i + r);
          if (m - j >= PW<T>)
            for (Index v = 0; v < PW<T>; ++v) row[v] = draw[j + v] >= below ? keep : T(0);
          else
            for (Index v = 0; v < m - j; ++v) row[v] = draw[j + v] >= below ? keep : T(0);
        }
      }
    }
  }

  // s ℓ of the rows i … i + n, which are the first of `rows`, into row_loss; with `scale` also dy = s · scale · ∂ℓ/∂y,
  // where backward begins.
  void lose(Loss loss, const Targets<T>& targets, const RowList<T>& rows, Index i, Index n, const double* scale,
            double* row_loss, Scratch<T>& scratch) {
    const Index m = network_.outputs(), k = m / loss.width;
    const T* end = targets.t + rows.x->n * k;
    Losses::visit(
        loss.code,
        [&](auto l) {
          for (Index done = 0; done < n; done += PW<T>) {
            const Index count = smaller(PW<T>, n - done);
            double s[PW<T>];
            for (Index v = 0; v < PW<T>; ++v) {
              const Index row = rows[v < count ? done + v : done];
              const T* t = targets.t + row * k;
              s[v] = targets.s ? double(targets.s[row]) : 1.0;
              if (k == 1)
                scratch.t[v] = *t;
              else
                for (Index j = 0; j < k; j += PW<T>)
                  copy_part(t + j, smaller(PW<T>, k - j), end, scratch.dy + j * PW<T> + v * PW<T>);
            }
            for (Index j = 0; k > 1 && j < k; j += PW<T>)
              transpose_square<T>(scratch.dy + j * PW<T>, PW<T>, scratch.t + j * PW<T>, PW<T>);
            scores(i + done, scratch.y);
            if (scale) {
              l.template rows<true>(scratch.y, scratch.t, scratch.dy, scratch.loss, int(k));
              T factor[PW<T>];
              for (Index v = 0; v < PW<T>; ++v) factor[v] = v < count ? T(s[v] * *scale) : T(0);
              for (Index j = 0; j < m; ++j)
                for (Index v = 0; v < PW<T>; ++v) scratch.dy[j * PW<T> + v] *= factor[v];
              set_output_delta(i + done, scratch.dy);
            } else {
              l.template rows<false>(scratch.y, scratch.t, scratch.dy, scratch.loss, int(k));
            }
            for (Index v = 0; v < count; ++v) row_loss[done + v] = s[v] * double(scratch.loss[v]);
          }
        },
        loss.hyper);
  }

  // dy is the j-th unit vector in every row: what a Jacobian begins with.
  void set_unit_delta(Index j, Index n, Scratch<T>& scratch) {
    clear(scratch.dy, panel_count<T>(network_.outputs()) * PW<T> * PW<T>);
    for (Index v = 0; v < PW<T>; ++v) scratch.dy[j * PW<T> + v] = T(1);
    for (Index i = 0; i < n; i += PW<T>) set_output_delta(i, scratch.dy);
  }

  // dh = dz wᵀ, dz = dh ⊙ mask ⊙ f′(z), down to the first layer, for the rows i … i + n.
  void deltas(Index i, Index n, Scratch<T>& scratch) {
    for (int l = network_.layers() - 1; l > 0; --l) {
      const LayerPass& below = steps_[l - 1];
      const int activation = network_.layer(l - 1).activation;
      back(network_.layer(l), l, i, n, From::zero, below.dz, scratch, [&](Index first, Index panels) {
        for (Index p = first; p < first + panels; ++p) {
          const T *z = below.z.row(p, i), *h = below.h.row(p, i);
          T* GLASSNET_RESTRICT dz = below.dz.row(p, i);
          if (below.mask.data) {
            const T* mask = below.mask.row(p, i);
            for (Index v = 0; v < n * PW<T>; ++v) dz[v] *= mask[v];
          }
          Activations::visit(activation, [&](auto f) {
            for (Index v = 0; v < n * PW<T>; ++v) dz[v] *= f.derivative(z[v], h[v]);
          });
        }
      });
    }
    if (!(needs_ & INPUT_DELTAS)) return;
    const auto nothing = [](Index, Index) {};
    back(network_.layer(0), 0, i, n, From::zero, input_delta_, scratch, nothing);
    if (network_.skip())
      back(network_.layer(network_.layers()), network_.layers() - 1, i, n, From::target, input_delta_, scratch,
           nothing);
  }

  // y of the PW rows from i on, [unit][PW]; beyond the rows of the pass, whatever was there.
  void scores(Index i, T* y) const {
    const LayerPass& last = steps_[network_.layers() - 1];
    const Index m = network_.outputs();
    if (last.y)
      for (Index j = 0; j < m; ++j) std::memcpy(y + j * PW<T>, last.y + j * unit_ + i, 64);
    else
      for (Index p = 0; p < panel_count<T>(m); ++p)
        transpose_square<T>(last.z.row(p, i), PW<T>, y + p * PW<T> * PW<T>, PW<T>);
  }

  // z, h or dz of layer l in row i, unit j; of the last layer both z and h are y.
  T z(int l, Index i, Index j) const { return steps_[l].y ? steps_[l].y[j * unit_ + i] : steps_[l].z.at(i, j); }
  T h(int l, Index i, Index j) const { return steps_[l].y ? steps_[l].y[j * unit_ + i] : steps_[l].h.at(i, j); }
  T dz(int l, Index i, Index j) const { return steps_[l].dy ? steps_[l].dy[j * unit_ + i] : steps_[l].dz.at(i, j); }
  T dx(Index i, Index k) const { return input_delta_.at(i, k); }

  // ∂y/∂θ of layer l in row i, which is the first of `rows` plus i: x dz, and dz for the biases, row by row of w.
  void write_products(int l, Index i, const RowList<T>& rows, Scratch<T>& scratch, T* target) const {
    const Layer<T>& layer = network_.layer(l);
    const int above = int(smaller(l, network_.layers() - 1));
    const Index m = layer.m;
    T* deltas = scratch.row;
    for (Index j = 0; j < m; ++j) deltas[j] = dz(above, i, j);
    const auto row_of = [&](Index k, T input) {
      for (Index j = 0; j < m; ++j) target[k * m + j] = input * deltas[j];
    };
    if ((l == 0 || l == network_.layers()) && rows.x->sparse()) {
      clear(target, layer.d * m);
      rows.for_each(i, row_of);
    } else {
      const Panels<T> x = x_of(l);
      for (Index k = 0; k < layer.d; k += PW<T>) {
        const T* row = x.row(k / PW<T>, i);
        const Index width = smaller(PW<T>, layer.d - k);
        if (m == 1)
          for (Index v = 0; v < width; ++v) target[k + v] = row[v] * deltas[0];
        else
          for (Index v = 0; v < width; ++v) row_of(k + v, row[v]);
      }
    }
    if (layer.bias) row_of(layer.d, T(1));
  }

  // What the layer of a block of weights saw and what came back to it; the skip path is beside the whole network.
  Panels<T> x_of(int l) const { return l == 0 || l == network_.layers() ? input_ : steps_[l - 1].out; }
  Panels<T> dz_of(int l) const { return steps_[smaller(l, network_.layers() - 1)].dz; }
  const T* dy() const { return steps_[network_.layers() - 1].dy; }
  int layers() const { return network_.layers(); }
  Index unit() const { return unit_; }  // numbers from one unit to the next, in y and dy of a narrow layer

 private:
  struct LayerPass {
    Panels<T> z, h, dz;   // the last layer has h = z
    Panels<T> mask, out;  // with dropout; else out = h, and it is x of the next layer
    T *y, *dy;            // of a narrow last layer, instead of z and dz
  };

  // z of layer l, and f of it; `seen` says whether it reads the input.
  void apply(const Layer<T>& layer, bool seen, int l, const RowList<T>& rows, Index i, Index n, From from) {
    const LayerPass& step = steps_[l];
    const bool sparse = seen && rows.x->sparse();
    const Panels<T> x = sparse ? Panels<T>{} : (seen ? input_ : steps_[l - 1].out).from(i);
    if (layer.narrow) {
      if (sparse)
        sparse_narrow_affine(rows, n, layer.d, layer.w, layer.bias, layer.m, from, step.y + i, unit_);
      else
        narrow_affine(x, n, layer.d, layer.w, layer.bias, layer.m, from, step.y + i, unit_);
      return;
    }
    const auto activate = [&](Index first, Index panels) {
      if (step.h.data == step.z.data) return;
      for (Index p = first; p < first + panels; ++p) {
        const T* z = step.z.row(p, i);
        T* GLASSNET_RESTRICT h = step.h.row(p, i);
        Activations::visit(layer.activation, [&](auto f) {
          for (Index v = 0; v < n * PW<T>; ++v) h[v] = f.call(z[v]);
        });
        if (!step.mask.data) continue;
        const T* mask = step.mask.row(p, i);
        T* GLASSNET_RESTRICT out = step.out.row(p, i);
        for (Index v = 0; v < n * PW<T>; ++v) out[v] = h[v] * mask[v];
      }
    };
    if (sparse)
      sparse_affine(rows, n, layer.d, layer.w, layer.bias, layer.m, from, step.z.from(i), activate);
    else
      affine(x, n, layer.d, layer.w, layer.bias, layer.m, from, step.z.from(i), activate);
  }

  // dh of what is below a layer, from the dz of steps_[l].
  template <class Use>
  void back(const Layer<T>& layer, int l, Index i, Index n, From from, Panels<T> dh, Scratch<T>& scratch,
            const Use& use) {
    const LayerPass& step = steps_[l];
    if (layer.narrow)
      narrow_transposed(step.dy + i, unit_, n, layer.m, layer.w, layer.d, from, dh.from(i), use);
    else
      affine_transposed(step.dz.from(i), n, layer.m, layer.w, layer.bias, layer.d, from, dh.from(i), scratch.turned,
                        use);
  }

  // dy of the PW rows from i on, from [unit][PW].
  void set_output_delta(Index i, T* dy) {
    const LayerPass& last = steps_[network_.layers() - 1];
    const Index m = network_.outputs(), panels = panel_count<T>(m);
    if (last.dy) {
      for (Index j = 0; j < m; ++j) std::memcpy(last.dy + j * unit_ + i, dy + j * PW<T>, 64);
      return;
    }
    clear(dy + m * PW<T>, (panels * PW<T> - m) * PW<T>);
    for (Index p = 0; p < panels; ++p) transpose_square<T>(dy + p * PW<T> * PW<T>, PW<T>, last.dz.row(p, i), PW<T>);
  }

  const Network<T>& network_;
  int needs_;
  const double* dropout_;
  Index unit_;
  bool padded_;  // whether a narrow layer reads the input, whole panels of it
  LayerPass* steps_;
  Panels<T> input_{}, input_delta_{};
};

}  // namespace glassnet::GLASSNET_LEVEL

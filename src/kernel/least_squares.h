// Levenberg–Marquardt from one place to the next: twin of least_squares.py, in float64 alone.
//
// J lies in panels [parameter / PW][row][PW], so that JᵀJ is the product that a gradient is. A step solves
// (JᵀJ + λD²)δ = −Jᵀr by Cholesky, and once more for what is left over in the units of J, which makes up for the
// squaring.
#pragma once
#include "tasks.h"

namespace glassnet::GLASSNET_LEVEL {

inline double dot(const double* a, const double* b, Index n) {
  constexpr int width = Lanes<double>::width, chains = 4;
  Lanes<double> sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = Lanes<double>::broadcast(0);
  Index k = 0;
  for (; n - k >= chains * width; k += chains * width)
    for (int c = 0; c < chains; ++c)
      sums[c] = Lanes<double>::multiply_add(Lanes<double>::load(a + k + c * width),
                                            Lanes<double>::load(b + k + c * width), sums[c]);
  double lanes[chains * width], total = 0;
  for (int c = 0; c < chains; ++c) sums[c].store(lanes + c * width);
  for (double lane : lanes) total += lane;
  for (; k < n; ++k) total += a[k] * b[k];
  return total;
}

inline double norm(const double* a, Index n) { return std::sqrt(dot(a, a, n)); }

class LeastSquares {
 public:
  LeastSquares(Team team, const Fit& fit, Arena& arena)
      : fit_(fit), stream_(team, fit.shape, fit.theta, fit.x, DELTAS, arena) {
    const Index P = fit.parameters, F = fit.free, m = rows(), padded = panel_count<double>(F) * PW<double>;
    j_ = arena.take_panels<double>(m, F);
    gram_ = arena.take_panels<double>(padded, F), factor_ = arena.take_panels<double>(padded, F);
    turned_ = arena.take<double>(padded * PW<double>);
    products_ = arena.take<double>(stream_.workers * P);
    double** const of_rows[] = {&r_, &probe_, &linear_, &against_};
    double** const of_parameters[] = {&gradient_, &d_, &step_, &bend_, &solved_, &left_, &at_, &next_};
    for (double** vector : of_rows) *vector = arena.take<double>(m);
    for (double** vector : of_parameters) *vector = arena.take<double>(padded);
    full_ = arena.take<double>(P);
    if (arena.counting()) return;
    clear(j_.data, panel_count<double>(F) * j_.stride);
    clear(gram_.data, panel_count<double>(F) * gram_.stride);
    clear(factor_.data, panel_count<double>(F) * factor_.stride);
    for (double** vector : of_parameters) clear(*vector, padded);
    for (Index f = 0; f < F; ++f) at_[f] = fit.theta[fit.places[f]];
  }

  // r, J and the rest where the fit begins.
  void begin(Team team) {
    state_.damping = fit_.first_damping, growth_ = 2;
    state_.loss = look(team, at_, r_);
    if (std::isfinite(state_.loss)) differentiate(team);
  }

  const FitState& state() const { return state_; }

  // The parameters that may move, where the fit stands, into their places among all.
  void save(double* theta) const {
    for (Index f = 0; f < fit_.free; ++f) theta[fit_.places[f]] = at_[f];
  }

  // Propose a step, and take it if it lowers L.
  void advance(Team team) {
    const Index F = fit_.free, m = rows();
    const double foretold = propose(team);
    state_.size = norm(at_, F), state_.length = norm(step_, F), state_.moved = false, state_.fall = 0;
    for (Index f = 0; f < F; ++f) next_[f] = at_[f] + step_[f], state_.moved = state_.moved || next_[f] != at_[f];
    const double loss = look(team, next_, probe_), fall = state_.loss - loss;
    if (!(fall > 0)) {  // nan is no fall
      state_.damping *= growth_, growth_ *= 2;
      return;
    }
    const double gain = fall / foretold, capped = 2 * (gain < 1 ? gain : 1) - 1;
    state_.damping = larger_of(fit_.least_damping, state_.damping * larger_of(1.0 / 3, 1 - capped * capped * capped));
    growth_ = 2;
    state_.fall = fall / state_.loss, state_.loss = loss;
    std::memcpy(at_, next_, std::size_t(F) * sizeof(double));
    std::memcpy(r_, probe_, std::size_t(m) * sizeof(double));
    differentiate(team);
  }

 private:
  Index rows() const { return fit_.x.n * fit_.shape.sizes[fit_.shape.layers]; }

  void load(const double* free) {
    std::memcpy(full_, fit_.theta, std::size_t(fit_.parameters) * sizeof(double));
    for (Index f = 0; f < fit_.free; ++f) full_[fit_.places[f]] = free[f];
    stream_.network.load(full_);
  }

  // r = √(s/Σs)(y − t) there, and L = ‖r‖²/2 with its penalty.
  double look(Team team, const double* free, double* r) {
    const Index k = stream_.network.outputs();
    load(free);
    ++state_.evaluations;
    stream_.run(team, fit_.x, [&](Index first, Index n, const Pass<double>& pass, const Scratch<double>& scratch, int) {
      write_scores(pass, n, k, scratch.y, r + first * k);
      for (Index i = first; i < first + n; ++i)
        for (Index j = 0; j < k; ++j) r[i * k + j] = fit_.root[i] * (r[i * k + j] - fit_.t[i * k + j]);
    });
    double squares = 0;
    for (Index f = 0; f < fit_.free; ++f) squares += fit_.pull[f] * free[f] * free[f];
    return 0.5 * (dot(r, r, rows()) + squares + fit_.fixed);
  }

  // J, JᵀJ, Jᵀr and D where the fit stands, whose parameters are loaded.
  void differentiate(Team team) {
    const Network<double>& network = stream_.network;
    const Index k = network.outputs(), F = fit_.free, P = fit_.parameters, panels = panel_count<double>(F);
    stream_.run_again(team, fit_.x, [&](Index first, Index n, Pass<double>& pass, Scratch<double>& scratch, int w) {
      double* products = products_ + w * P;
      for (Index j = 0; j < k; ++j) {
        pass.set_unit_delta(j, n, scratch);
        pass.deltas(0, n, scratch);
        for (Index i = 0; i < n; ++i) {
          for (int l = 0; l < network.blocks(); ++l)
            pass.write_products(l, i, {&fit_.x, nullptr, first}, scratch, products + network.layer(l).flat);
          for (Index f = 0; f < F; f += PW<double>) {
            double* target = j_.row(f / PW<double>, (first + i) * k + j);
            if (F == P && F - f >= PW<double>)  // all parameters, one after the other
              for (Index v = 0; v < PW<double>; ++v) target[v] = fit_.root[first + i] * products[f + v];
            else
              for (Index v = 0; v < smaller(PW<double>, F - f); ++v)
                target[v] = fit_.root[first + i] * products[fit_.places[f + v]];
          }
        }
      }
    });
    share(team, (panels + 1) / 2, [&](Index unit, int) {  // what lies on the diagonal and below
      const Index p = 2 * unit, first = p * PW<double>;
      const Panels<double> above{j_.panel(p), j_.stride};
      double* target = gram_.row(p, first);
      if (panels - p >= 2)
        gradient_panels<double, 2>(above, panels * PW<double> - first, above, rows(), From::zero, target, gram_.stride);
      else
        gradient_panels<double, 1>(above, panels * PW<double> - first, above, rows(), From::zero, target, gram_.stride);
    });
    transposed_times(r_, gradient_);
    double most = 0;
    state_.largest_gradient = 0;
    for (Index f = 0; f < F; ++f) {
      gram_.at(f, f) += fit_.pull[f];
      gradient_[f] += fit_.pull[f] * at_[f];
      state_.largest_gradient = larger_of(state_.largest_gradient, std::fabs(gradient_[f]));
      most = larger_of(most, std::sqrt(gram_.at(f, f)));
    }
    // A column that is zero yet, of a dead unit, must not leave its parameter free to go anywhere.
    for (Index f = 0; f < F; ++f) {
      const double length = std::sqrt(gram_.at(f, f));
      d_[f] = larger_of(d_[f], length > 0 ? length : 1e-3 * most);
    }
  }

  // Jv into the rows.
  void times(const double* v, double* u) const {
    for (Index i = 0; i < rows(); ++i) {
      Lanes<double> sums[LANES<double>];
      for (Lanes<double>& sum : sums) sum = Lanes<double>::broadcast(0);
      for (Index p = 0; p < panel_count<double>(fit_.free); ++p)
        for (int l = 0; l < LANES<double>; ++l)
          sums[l] =
              Lanes<double>::multiply_add(Lanes<double>::load(j_.row(p, i) + l * Lanes<double>::width),
                                          Lanes<double>::load(v + p * PW<double> + l * Lanes<double>::width), sums[l]);
      u[i] = total(sums);
    }
  }

  // Jᵀu.
  void transposed_times(const double* u, double* v) const {
    for (Index p = 0; p < panel_count<double>(fit_.free); ++p)
      for (int l = 0; l < PW<double>; l += Lanes<double>::width) {
        Lanes<double> sums[4];
        for (Lanes<double>& sum : sums) sum = Lanes<double>::broadcast(0);
        const auto add = [&](Index i, int chain) {
          sums[chain] = Lanes<double>::multiply_add(Lanes<double>::broadcast(u[i]),
                                                    Lanes<double>::load(j_.row(p, i) + l), sums[chain]);
        };
        Index i = 0;
        for (; rows() - i >= 4; i += 4)
          for (int chain = 0; chain < 4; ++chain) add(i + chain, chain);
        for (int chain = 0; i < rows(); ++i, ++chain) add(i, chain);
        double lanes[4][Lanes<double>::width];
        for (int c = 0; c < 4; ++c) sums[c].store(lanes[c]);
        for (int c = 0; c < Lanes<double>::width; ++c)
          v[p * PW<double> + l + c] = (lanes[0][c] + lanes[1][c]) + (lanes[2][c] + lanes[3][c]);
      }
  }

  // LLᵀ = JᵀJ + λD², panel by panel; false where that is not positive definite in these digits.
  bool factorise(double damping) {
    constexpr Index W = PW<double>;
    const Index F = fit_.free, panels = panel_count<double>(F), all = panels * W;
    for (Index q = 0; q < panels; ++q) {
      const Index first = q * W;
      std::memcpy(factor_.row(q, first), gram_.row(q, first), std::size_t((all - first) * W) * sizeof(double));
      for (Index f = first; f < first + W; ++f) factor_.at(f, f) = f < F ? gram_.at(f, f) + damping * d_[f] * d_[f] : 1;
      for (Index p = 0; p < q; ++p) transpose_square<double>(factor_.row(p, first), W, turned_ + p * W * W, W);
      for (Index k = 0; k < first * W; ++k) turned_[k] = -turned_[k];
      if (q > 0)
        affine_panels<double, 1>(factor_.from(first), all - first, first, turned_, 0, From::target,
                                 {factor_.row(q, first), factor_.stride});
      double lower[W][W] = {}, inverse[W * W] = {};  // of the square on the diagonal: L, and L⁻¹ transposed
      for (Index c = 0; c < W; ++c)
        for (Index i = c; i < W; ++i) {
          double sum = factor_.at(first + i, first + c);
          for (Index k = 0; k < c; ++k) sum -= lower[i][k] * lower[c][k];
          if (i == c && !(sum > 0)) return false;
          lower[i][c] = i == c ? std::sqrt(sum) : sum / lower[c][c];
        }
      for (Index c = 0; c < W; ++c)
        for (Index i = c; i < W; ++i) {
          double sum = i == c ? 1 : 0;
          for (Index k = c; k < i; ++k) sum -= lower[i][k] * inverse[c * W + k];
          inverse[c * W + i] = sum / lower[i][i];
        }
      std::memcpy(factor_.row(q, first), lower, sizeof lower);
      const Panels<double> below{factor_.row(q, first + W), factor_.stride};
      affine_panels<double, 1>(below, all - first - W, W, inverse, 0, From::zero, below);  // a tile reads, then writes
    }
    return true;
  }

  // v ← −(LLᵀ)⁻¹ u
  void solve_factored(const double* u, double* v) const {
    constexpr Index W = PW<double>;
    const Index panels = panel_count<double>(fit_.free), all = panels * W;
    for (Index i = 0; i < all; ++i) v[i] = 0;
    for (Index i = 0; i < fit_.free; ++i) v[i] = (-u[i] - along(i, i / W + 1, v)) / factor_.at(i, i);
    for (Index i = fit_.free - 1; i >= 0; --i) {
      const double value = v[i] / factor_.at(i, i);
      for (Index p = 0; p <= i / W; ++p)
        for (Index c = 0; c < W; ++c) v[p * W + c] -= value * factor_.row(p, i)[c];
      v[i] = value;
    }
  }

  // Σ L(i, k) v(k) over the first panels.
  double along(Index i, Index panels, const double* v) const {
    Lanes<double> sums[LANES<double>];
    for (Lanes<double>& sum : sums) sum = Lanes<double>::broadcast(0);
    for (Index p = 0; p < panels; ++p)
      for (int l = 0; l < LANES<double>; ++l)
        sums[l] =
            Lanes<double>::multiply_add(Lanes<double>::load(factor_.row(p, i) + l * Lanes<double>::width),
                                        Lanes<double>::load(v + p * PW<double> + l * Lanes<double>::width), sums[l]);
    return total(sums);
  }

  static double total(const Lanes<double> (&sums)[LANES<double>]) {
    double lanes[PW<double>];
    for (int l = 0; l < LANES<double>; ++l) sums[l].store(lanes + l * Lanes<double>::width);
    static_assert(PW<double> == 8);
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  }

  // v = argmin ‖Jv + u‖² + Σ pull (v + w)² + λ‖Dv‖², of which `left` is Jᵀu + pull w; solved, then solved for what is
  // left.
  void solve(const double* u, const double* w, double* left, double damping, double* v) {
    const Index F = fit_.free;
    solve_factored(left, v);
    times(v, against_);
    for (Index i = 0; i < rows(); ++i) against_[i] += u[i];
    transposed_times(against_, left);
    for (Index f = 0; f < F; ++f) left[f] += fit_.pull[f] * (v[f] + (w ? w[f] : 0)) + damping * d_[f] * d_[f] * v[f];
    solve_factored(left, solved_);
    for (Index f = 0; f < F; ++f) v[f] += solved_[f];
  }

  // δ + a/2 into step_, or δ where it bends too much; returns the fall of L that J and λ foretell.
  double propose(Team team) {
    const Index F = fit_.free, m = rows();
    double damping = state_.damping;
    while (!factorise(damping)) {
      if (!std::isfinite(damping)) break;
      damping *= 10;
    }
    std::memcpy(left_, gradient_, std::size_t(F) * sizeof(double));
    solve(r_, at_, left_, damping, step_);
    times(step_, linear_);
    double foretold = 0.5 * dot(linear_, linear_, m), length = 0, bent = 0;
    for (Index f = 0; f < F; ++f) {
      const double damped = d_[f] * step_[f];
      foretold += 0.5 * fit_.pull[f] * step_[f] * step_[f] + damping * damped * damped;
      length += damped * damped;
      next_[f] = at_[f] + fit_.probe * step_[f];
    }
    if (!std::isfinite(foretold)) return foretold;
    look(team, next_, probe_);
    for (Index i = 0; i < m; ++i) probe_[i] = 2 / fit_.probe * ((probe_[i] - r_[i]) / fit_.probe - linear_[i]);
    transposed_times(probe_, left_);
    solve(probe_, nullptr, left_, damping, bend_);
    for (Index f = 0; f < F; ++f) bent += d_[f] * bend_[f] * d_[f] * bend_[f];
    if (2 * std::sqrt(bent) <= fit_.most_bent * std::sqrt(length))
      for (Index f = 0; f < F; ++f) step_[f] += 0.5 * bend_[f];
    return foretold;
  }

  Fit fit_;
  Stream<double> stream_;
  FitState state_{};
  double growth_ = 2;
  Panels<double> j_, gram_, factor_;
  double *turned_, *products_, *r_, *probe_, *linear_, *against_, *gradient_, *d_, *step_, *bend_, *solved_, *left_,
      *at_, *next_, *full_;
};

inline std::size_t fit_open(Team team, const Fit& fit, char* memory) {
  Arena arena(memory);
  LeastSquares* place = arena.take<LeastSquares>(1);
  if (arena.counting()) {
    LeastSquares(team, fit, arena);
    return arena.used();
  }
  (new (place) LeastSquares(team, fit, arena))->begin(team);
  return arena.used();
}

inline FitState fit_advance(Team team, char* memory) {
  LeastSquares& fit = *reinterpret_cast<LeastSquares*>(memory);
  fit.advance(team);
  return fit.state();
}

inline FitState fit_read(const char* memory, double* theta) {
  const LeastSquares& fit = *reinterpret_cast<const LeastSquares*>(memory);
  if (theta) fit.save(theta);
  return fit.state();
}

}  // namespace glassnet::GLASSNET_LEVEL

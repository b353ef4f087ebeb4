// The kernel of one dispatch level at work, without Python: gradients against central differences, the same bits for
// any number of threads and wherever a call ends, rows alone as among others, sparse as dense.
//
// It prints a line for each case. What follows "bits" is the same on every level and every processor; what follows
// "near" is so but for rounding. It ends with 1 where a promise is broken.
#include <thread>

#include "cases.h"

namespace selfcheck {
namespace {

int failures = 0;

Index smaller(Index a, Index b) { return a < b ? a : b; }

void check(bool holds, const std::string& where, const char* what) {
  if (holds) return;
  ++failures;
  std::printf("FAILED %s: %s\n", where.c_str(), what);
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// ‖a − b‖ / ‖b‖
template <class A, class B>
double distance(const std::vector<A>& a, const std::vector<B>& b) {
  double apart = 0, length = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    apart += (double(a[i]) - double(b[i])) * (double(a[i]) - double(b[i]));
    length += double(b[i]) * double(b[i]);
  }
  return std::sqrt(apart / (length + 1e-30));
}

// FNV-1a of the numbers' bytes, lowest first; every nan counts as the same one.
class Hash {
 public:
  void add(std::uint64_t bits) {
    for (int i = 0; i < 8; ++i) value_ = (value_ ^ (bits >> 8 * i & 0xff)) * 0x100000001B3u;
  }
  template <class T>
  void add_number(T x) {
    std::uint64_t bits = 1;
    if (x == x) bits = 0, std::memcpy(&bits, &x, sizeof x);
    add(bits);
  }
  unsigned long long value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

// Numbers of every size, subnormal and infinite ones and nan among them, and many of a common size.
template <class T>
std::vector<T> many_numbers(bool unit) {
  Numbers numbers(3);
  std::vector<T> x;
  for (int i = 0; i < 40000; ++i) {
    const std::uint64_t bits = numbers.bits();
    T any;
    std::memcpy(&any, &bits, sizeof any);
    if (unit) any = any != any ? any : T(0.5 + 0.5 * numbers.unit());
    x.push_back(any);
    for (double size : {1.0, 30.0, 800.0})
      x.push_back(T(unit ? (1 + numbers.unit()) / (1 + size) : size * numbers.unit()));
  }
  for (double special : {0.0, -0.0, double(INFINITY), -double(INFINITY), double(NAN)})
    if (!unit || special == 0 || special != special) x.push_back(T(special));
  return x;
}

template <class T>
void elementary_functions() {
  const char* names[] = {"exp", "tanh", "log", "log1p", "sin", "cos", "expm1_below"};
  for (int which = 0; which < 7; ++which) {
    const std::vector<T> x = many_numbers<T>(which == 3);
    std::vector<T> result(x.size()), one(1);
    functions<T>().elementary(which, x.data(), result.data(), Index(x.size()));
    Hash hash;
    for (T value : result) hash.add_number(value);
    bool alone = true;  // a loop's last numbers go another way than its first
    for (std::size_t i = 0; i < x.size(); i += 97) {
      functions<T>().elementary(which, &x[i], one.data(), 1);
      alone = alone && (one[0] == result[i] || (one[0] != one[0] && result[i] != result[i]));
    }
    check(alone, names[which], "a number alone gives another result than among others");
    std::printf("bits %s %s: %016llx\n", names[which], DTYPE<T>, hash.value());
  }
}

void permutations() {
  Hash hash;
  for (Index n : {1, 2, 1000}) {
    std::vector<Index> order(std::size_t(n), 0);
    KERNEL.permutation(7, 3, n, order.data());
    for (Index i : order) hash.add(std::uint64_t(i));
  }
  std::printf("bits permutation: %016llx\n", hash.value());
}

// dL/dθ at some parameters, and ∂y/∂θ and ∂y/∂x of some rows, beside central differences.
void against_differences(const Problem<double>& p, const std::vector<double>& g, const std::vector<double>& j,
                         const std::vector<double>& inputs, Index rows) {
  const double step = 1e-6;
  const Index k = p.outputs(), count = p.count(), chosen = 8;
  std::vector<double> slopes, of_g, of_j, differences;
  for (Index c = 0; c < chosen; ++c) {
    const auto at = std::size_t(c * (count - 1) / (chosen - 1));
    Problem<double> low = p, high = p;
    low.parameters[at] -= step, high.parameters[at] += step;
    double below, above;
    gradients(p, low.parameters, p.rows(), 1, &below), gradients(p, high.parameters, p.rows(), 1, &above);
    slopes.push_back((above - below) / (2 * step)), of_g.push_back(g[at]);
    Rows<double> some = p.rows();
    some.n = rows;
    const std::vector<double> y_low = forward(low, some, 1), y_high = forward(high, some, 1);
    for (Index i = 0; i < rows * k; ++i) {
      differences.push_back((y_high[std::size_t(i)] - y_low[std::size_t(i)]) / (2 * step));
      of_j.push_back(j[std::size_t(i * count) + at]);
    }
  }
  check(distance(of_g, slopes) < 1e-5, p.of.name, "the gradient is not the slope of the loss");
  check(distance(of_j, differences) < 1e-6, p.of.name, "the Jacobian is not the slope of the scores");
  differences.clear(), of_j.clear();
  for (Index c = 0; c < smaller(p.d(), 3); ++c) {
    Problem<double> low = p, high = p;
    for (Index i = 0; i < p.of.n; ++i)
      low.x[std::size_t(i * p.d() + c)] -= step, high.x[std::size_t(i * p.d() + c)] += step;
    const std::vector<double> y_low = forward(low, low.dense(), 1), y_high = forward(high, high.dense(), 1);
    for (Index i = 0; i < p.of.n * k; ++i) {
      differences.push_back((y_high[std::size_t(i)] - y_low[std::size_t(i)]) / (2 * step));
      of_j.push_back(inputs[std::size_t(i * p.d() + c)]);
    }
  }
  check(distance(of_j, differences) < 1e-6, p.of.name, "the inputs' Jacobian is not the slope of the scores");
}

// A row alone gives the scores that it gives among others.
template <class T>
bool rows_alone_agree(const Problem<T>& p, const std::vector<T>& y) {
  const Memory memory = memory_of(functions<T>().prepare(p.shape(), p.parameters.data(), nullptr), 2);
  functions<T>().prepare(p.shape(), p.parameters.data(), memory.get());
  for (Index i = 0; i < p.of.n; ++i) {
    const std::vector<T> x(p.x.begin() + i * p.d(), p.x.begin() + (i + 1) * p.d());
    std::vector<T> alone(std::size_t(p.outputs()));
    functions<T>().predict(memory.get(), x.data(), alone.data());
    for (Index j = 0; j < p.outputs(); ++j)
      if (alone[std::size_t(j)] != y[std::size_t(i * p.outputs() + j)]) return false;
  }
  return true;
}

// Runs a case; returns the gradient where it begins.
template <class T>
std::vector<T> run(const Case& c) {
  const Problem<T> p(c);
  const std::string where = std::string(c.name) + " " + DTYPE<T>;
  double value[2], losses[2];
  std::vector<T> y, g, j, inputs;
  Trained<T> trained;
  const Index rows = smaller(c.n, 3000000 / (p.count() * p.outputs()) + 1);
  Rows<T> some = p.rows();
  some.n = rows;
  for (int turn = 0; turn < 2; ++turn) {
    const int threads = turn == 0 ? 1 : 3;
    std::vector<T> scores = forward(p, p.rows(), threads),
                   slope = gradients(p, p.parameters, p.rows(), threads, &value[turn]);
    std::vector<T> of_parameters = jacobian(p, some, false, threads), of_inputs = jacobian(p, p.rows(), true, threads);
    Trained<T> after = turn == 0 ? train(p, {14}, threads) : train(p, {5, 9}, threads);
    losses[turn] = evaluate(p, after.parameters, threads);
    if (turn == 0) {
      y = scores, g = slope, j = of_parameters, inputs = of_inputs, trained = after;
      continue;
    }
    check(same_bits(y, scores), where, "forward depends on the threads");
    check(same_bits(g, slope) && value[0] == value[1], where, "the gradient depends on the threads");
    check(same_bits(j, of_parameters), where, "the Jacobian depends on the threads");
    check(same_bits(inputs, of_inputs), where, "the inputs' Jacobian depends on the threads");
    check(same_bits(trained.parameters, after.parameters) && same_bits(trained.moments, after.moments) &&
              same_bits(trained.loss_sum, after.loss_sum),
          where, "training depends on the threads, or on where a call ends");
    check(losses[0] == losses[1], where, "the loss depends on the threads");
  }
  const double before = evaluate(p, p.parameters, 1);
  check(losses[0] < before, where, "training does not lower the loss");
  check(rows_alone_agree(p, forward(p, p.dense(), 1)), where, "a row alone gives other scores than among others");
  if (c.input == SPARSE) {
    double same;
    const std::vector<T> dense = forward(p, p.dense(), 1), slope = gradients(p, p.parameters, p.dense(), 1, &same);
    const double bound = sizeof(T) == 4 ? 1e-5 : 1e-13;  // a narrow layer adds in another order
    check(distance(y, dense) <= bound && distance(g, slope) <= bound, where, "sparse differs from dense");
  }
  if constexpr (sizeof(T) == 8) against_differences(p, g, j, inputs, rows);
  std::printf("near %s: %.12g %.12g %.12g\n", where.c_str(), before, losses[0], value[0]);
  return g;
}

// Levenberg–Marquardt, step by step.
void least_squares(const Case& c) {
  const Problem<double> p(c);
  std::vector<double> theta[2], root(std::size_t(c.n), 1 / std::sqrt(double(c.n))), pull(std::size_t(p.count()), 1e-6);
  std::vector<Index> places;
  for (Index f = 0; f < p.count(); ++f) places.push_back(f);
  const Fit fit{p.shape(), p.dense(), p.t.data(),    root.data(), p.parameters.data(),
                p.count(), p.count(), places.data(), pull.data(), 0,
                1e-2,      1e-12,     0.1,           0.75};
  double first = 0, last = 0;
  for (int turn = 0; turn < 2; ++turn) {
    const int threads = turn == 0 ? 1 : 3;
    const Crew crew(threads);
    const Memory memory = memory_of(KERNEL.fit_open(crew.team(), fit, nullptr), threads);
    KERNEL.fit_open(crew.team(), fit, memory.get());
    theta[turn] = p.parameters;
    first = KERNEL.fit_read(memory.get(), nullptr).loss;
    for (int i = 0; i < 4; ++i) last = KERNEL.fit_advance(crew.team(), memory.get()).loss;
    KERNEL.fit_read(memory.get(), theta[turn].data());
  }
  check(same_bits(theta[0], theta[1]), c.name, "the fit depends on the threads");
  check(last < 0.9 * first, c.name, "the fit does not lower the loss");
  std::printf("near %s: %.12g %.12g\n", c.name, first, last);
}

// Every unit is done once, by a worker that the team has, also where the call before had more of them.
void teams() {
  constexpr Index units = 12;
  struct Seen {
    int workers;
    bool stranger[units];
    int times[units];
  };
  bool once = true, known = true;
  for (int turn = 0; turn < 20000; ++turn) {
    const Crew crew(turn % 2 ? 2 : 4);
    Team team = crew.team();
    if (turn % 8 == 0 && team.workers > 2) team.workers = 2;  // as where there are fewer pieces than workers
    Seen seen{team.workers, {}, {}};
    team.share(
        team.self, team.workers, units,
        [](void* context, Index unit, int worker) {
          Seen& at = *static_cast<Seen*>(context);
          at.stranger[unit] = worker >= at.workers, ++at.times[unit];
        },
        &seen);
    for (Index unit = 0; unit < units; ++unit)
      once = once && seen.times[unit] == 1, known = known && !seen.stranger[unit];
  }
  check(once, "teams", "a unit is not done once");
  check(known, "teams", "a unit is done by a worker that the team has not");
}

// Calls that come at once, each with other threads than the last one, disturb nobody.
void many_callers() {
  const std::vector<Case> all = cases();
  const Problem<float> wide(all[0]), narrow(all[1]);
  double value;
  const std::vector<float> of_wide = gradients(wide, wide.parameters, wide.rows(), 1, &value);
  const std::vector<float> of_narrow = forward(narrow, narrow.rows(), 1);
  bool agrees[3] = {true, true, true};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller)
    callers.emplace_back([&, caller] {
      for (int turn = 0; turn < 30; ++turn) {
        double own;
        const int threads = 1 + (turn + caller) % 4;
        const bool same = turn % 2 ? same_bits(of_narrow, forward(narrow, narrow.rows(), threads))
                                   : same_bits(of_wide, gradients(wide, wide.parameters, wide.rows(), threads, &own));
        agrees[caller] = agrees[caller] && same;
      }
    });
  for (std::thread& caller : callers) caller.join();
  check(agrees[0] && agrees[1] && agrees[2], "many callers", "calls at once disturb each other");
}

}  // namespace
}  // namespace selfcheck

int main() {
  using namespace selfcheck;
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 12);  // what was printed before a crash tells where it was
  elementary_functions<float>();
  elementary_functions<double>();
  permutations();
  for (const Case& c : cases()) {
    const std::vector<double> exact = run<double>(c);
    check(distance(run<float>(c), exact) < 1e-4, c.name, "the gradient in float32 is far from that in float64");
  }
  least_squares({"least squares", {6, 16, 2}, {"tanh"}, "squared_error", "sgd", 300, 300});
  least_squares({"least squares of many rows", {3, 5, 1}, {"tanh"}, "squared_error", "sgd", 51000, 51000});
  teams();
  many_callers();
  std::printf("%s: %d failures\n", KERNEL.level, failures);
  return failures != 0;
}

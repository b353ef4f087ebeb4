// What selfcheck.cpp works on: networks, their data, and calls as the bindings make them.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "../../src/kernel/kernel.h"
#include "../../src/kernel/team.h"

#if !defined(GLASSNET_LEVEL)
#define GLASSNET_LEVEL baseline
#endif

namespace glassnet::GLASSNET_LEVEL {
Kernel kernel();
}

namespace selfcheck {

using namespace glassnet;
using Index = std::int64_t;

inline const Kernel KERNEL = glassnet::GLASSNET_LEVEL::kernel();

template <class T>
const Functions<T>& functions() {
  if constexpr (sizeof(T) == 4)
    return KERNEL.float32;
  else
    return KERNEL.float64;
}

template <class T>
constexpr const char* DTYPE = sizeof(T) == 4 ? "float32" : "float64";

inline int code_of(const char* (*name)(int), const char* wanted) {
  for (int code = 0; name(code); ++code)
    if (std::strcmp(name(code), wanted) == 0) return code;
  std::printf("the kernel has no %s\n", wanted);
  std::exit(1);
}

// Steele, Lea and Flood 2014: the same numbers on every machine.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // Between −1 and 1, with so few digits that both dtypes hold it.
  double unit() { return double(std::int64_t(bits() >> 44)) / (1 << 19) - 1; }

 private:
  std::uint64_t state_;
};

// What a fit may do beyond its optimizer's steps: dropout, bounds, rates of layers, frozen parameters.
enum More { NOTHING, EVERYTHING };
enum Path { NO_SKIP, SKIP };
enum Input { DENSE, SPARSE };

struct Case {
  const char* name;
  std::vector<Index> sizes;
  std::vector<const char*> activations;
  const char *loss, *optimizer;
  Index n, batch;
  int members = 1;
  Input input = DENSE;
  More more = NOTHING;
  Path path = NO_SKIP;
  bool bias = true;
};

// Every activation with a slope, loss and optimizer occurs. Most steps are long enough for threads to share them.
inline std::vector<Case> cases() {
  return {
      {"wide", {40, 64, 33, 17}, {"tanh", "relu"}, "cross_entropy", "adam", 300, 128},
      {"narrow", {33, 96, 3}, {"gelu"}, "cross_entropy", "sgd", 300, 150},
      {"scalar", {20, 47, 49, 1}, {"silu", "softplus"}, "squared_error", "nesterov", 260, 260},
      {"deep", {10, 31, 48, 16, 45, 9}, {"mish", "selu", "leaky_relu", "elu"}, "huber", "adamw", 200, 100},
      {"long chains", {300, 270, 5}, {"sine"}, "binary_cross_entropy", "rmsprop", 40, 20},
      {"many rows", {30, 40, 2}, {"logistic"}, "poisson", "adam", 1500, 1500},
      {"two scores", {31, 64, 10}, {"tanh"}, "gaussian", "adam", 200, 200},
      {"everything", {24, 65, 47, 5}, {"sine", "logistic"}, "poisson", "adam", 200, 100, 1, DENSE, EVERYTHING, SKIP},
      {"two members", {8, 17, 2}, {"square"}, "quantile", "adam", 60, 25, 2},
      {"four members", {12, 24, 6}, {"identity"}, "absolute_error", "adamw", 60, 25, 4, DENSE, EVERYTHING},
      {"large members", {40, 70, 7}, {"gelu"}, "cross_entropy", "sgd", 200, 200, 2, DENSE, EVERYTHING},
      {"no bias", {19, 33, 4}, {"softplus"}, "squared_error", "adam", 70, 31, 1, DENSE, NOTHING, SKIP, false},
      {"linear", {21, 18}, {}, "squared_error", "sgd", 50, 20},
      {"linear narrow", {21, 2}, {}, "gaussian", "adam", 50, 20},
      {"sparse", {400, 50, 20}, {"elu"}, "binary_cross_entropy", "rmsprop", 200, 100, 1, SPARSE},
      {"sparse skip", {200, 40, 3}, {"relu"}, "cross_entropy", "adam", 200, 100, 1, SPARSE, EVERYTHING, SKIP},
      {"sparse linear", {60, 3}, {}, "huber", "sgd", 90, 40, 3, SPARSE},
  };
}

// A case's network and table in one dtype, in arrays that end where their numbers end.
template <class T>
struct Problem {
  const Case& of;
  std::vector<int> activations;
  std::vector<double> hyper, loss_hyper;
  std::vector<T> parameters, x, stored, t, s;
  std::vector<std::int32_t> starts32, columns32;
  std::vector<std::int64_t> starts64, columns64;
  Loss loss;
  int optimizer;
  double rate;

  explicit Problem(const Case& c) : of(c) {
    Numbers numbers(c.sizes[0] * 1000 + c.n);
    for (const char* name : c.activations) activations.push_back(code_of(KERNEL.activation_name, name));
    const std::string loss_name = c.loss, optimizer_name = c.optimizer;
    loss_hyper = {loss_name == "huber" ? 0.5 : loss_name == "quantile" ? 0.3 : 0.1, 0, 0, 0};
    const int code = code_of(KERNEL.loss_name, c.loss);
    loss = {code, loss_hyper.data(), KERNEL.loss_width(code)};
    optimizer = code_of(KERNEL.optimizer_name, c.optimizer);
    const bool momentum = optimizer_name == "sgd" || optimizer_name == "nesterov";
    rate = momentum ? 0.02 : 0.003;
    if (momentum)
      hyper = {0.9, optimizer_name == "nesterov" ? 1.0 : 0.0};
    else
      hyper = {0.9, optimizer_name == "rmsprop" ? 0.5 : 0.999, 1e-6};
    for (int member = 0; member < c.members; ++member) {
      for (std::size_t l = 0; l + 1 < c.sizes.size(); ++l)
        for (Index i = 0; i < (c.sizes[l] + c.bias) * c.sizes[l + 1]; ++i)
          parameters.push_back(T(float(numbers.unit() / std::sqrt(double(c.sizes[l])))));
      for (Index i = 0; c.path == SKIP && i < d() * outputs(); ++i)
        parameters.push_back(T(float(numbers.unit() / std::sqrt(double(d())))));
    }
    starts32.push_back(0), starts64.push_back(0);
    for (Index i = 0; i < c.n; ++i) {
      for (Index j = 0; j < d(); ++j) {
        const double value = numbers.unit();
        x.push_back(T(c.input == DENSE || numbers.bits() % 8 == 0 ? value : 0));
        if (c.input == DENSE || x.back() == 0) continue;
        stored.push_back(x.back()), columns32.push_back(std::int32_t(j)), columns64.push_back(j);
      }
      starts32.push_back(std::int32_t(stored.size())), starts64.push_back(Index(stored.size()));
      double total = 0;
      std::vector<double> row;
      for (Index j = 0; j < outputs() / loss.width; ++j) row.push_back(1 + numbers.unit()), total += row.back();
      for (double value : row) t.push_back(T(float(row.size() == 1 ? value : value / total)));
      s.push_back(T(float(1.5 + numbers.unit())));
    }
  }

  Index d() const { return of.sizes.front(); }
  Index outputs() const { return of.sizes.back(); }
  Index count() const { return Index(parameters.size()) / of.members; }
  Shape shape() const {
    return {int(of.sizes.size()) - 1, of.sizes.data(), activations.data(), of.bias, of.path == SKIP};
  }
  Rows<T> dense() const { return {of.n, x.data(), nullptr, nullptr, nullptr, nullptr}; }
  Rows<T> rows() const {
    if (of.input == DENSE) return dense();
    if (of.path == SKIP) return {of.n, stored.data(), nullptr, nullptr, starts64.data(), columns64.data()};
    return {of.n, stored.data(), starts32.data(), columns32.data(), nullptr, nullptr};
  }
  Targets<T> targets() const { return {t.data(), of.more == EVERYTHING ? s.data() : nullptr}; }
};

struct Release {
  void operator()(char* memory) const { ::operator delete(memory, std::align_val_t(64)); }
};
using Memory = std::unique_ptr<char, Release>;

// Memory of just that size. What it holds must not matter: zeros for one thread, nan for several.
inline Memory memory_of(std::size_t bytes, int threads) {
  Memory memory(static_cast<char*>(::operator new(bytes, std::align_val_t(64))));
  std::memset(memory.get(), threads == 1 ? 0 : 0xff, bytes);
  return memory;
}

template <class Work>
void call(int threads, const Work& work) {
  const Crew crew(threads);
  const std::size_t bytes = work(crew.team(), static_cast<char*>(nullptr));
  work(crew.team(), memory_of(bytes, threads).get());
}

template <class T>
std::vector<T> forward(const Problem<T>& p, const Rows<T>& rows, int threads) {
  std::vector<T> y(std::size_t(rows.n * p.outputs()));
  call(threads, [&](Team team, char* memory) {
    return functions<T>().forward(team, p.shape(), p.parameters.data(), rows, y.data(), {nullptr, nullptr}, memory);
  });
  return y;
}

template <class T>
double evaluate(const Problem<T>& p, const std::vector<T>& parameters, int threads) {
  double value = 0;
  call(threads, [&](Team team, char* memory) {
    return functions<T>().evaluate(team, p.shape(), parameters.data(), p.loss, p.rows(), p.targets(), &value, memory);
  });
  return value;
}

constexpr double L2 = 0.02, L1 = 0.01;

template <class T>
std::vector<T> gradients(const Problem<T>& p, const std::vector<T>& parameters, const Rows<T>& rows, int threads,
                         double* value) {
  std::vector<T> g(std::size_t(p.count()));
  call(threads, [&](Team team, char* memory) {
    return functions<T>().gradients(team, p.shape(), parameters.data(), p.loss, rows, p.targets(), L2, L1, value,
                                    g.data(), memory);
  });
  return g;
}

template <class T>
std::vector<T> jacobian(const Problem<T>& p, Rows<T> rows, bool wrt_inputs, int threads) {
  std::vector<T> j(std::size_t(rows.n * p.outputs() * (wrt_inputs ? p.d() : p.count())));
  call(threads, [&](Team team, char* memory) {
    return functions<T>().jacobian(team, p.shape(), p.parameters.data(), rows, wrt_inputs, j.data(), memory);
  });
  return j;
}

// All that a training leaves behind.
template <class T>
struct Trained {
  std::vector<T> parameters, moments;
  std::vector<double> loss_sum;
};

// `steps` steps, in calls of so many as `calls` says.
template <class T>
Trained<T> train(const Problem<T>& p, const std::vector<Index>& calls, int threads) {
  const Case& c = p.of;
  const bool all = c.more == EVERYTHING;
  const auto members = std::size_t(c.members);
  Trained<T> state{p.parameters, {}, std::vector<double>(members)};
  state.moments.resize(std::size_t(KERNEL.moment_count(p.optimizer)) * p.parameters.size());
  std::vector<std::uint64_t> seeds;
  std::vector<double> learning_rate, l2(members, all ? L2 : 0), l1(members, all ? L1 : 0), decay(members, 0.1), rates;
  for (std::size_t k = 0; k < members; ++k) seeds.push_back(k + 5), learning_rate.push_back(p.rate / double(k + 1));
  for (std::size_t l = 0; l < p.of.sizes.size(); ++l) rates.push_back(1), rates.push_back(2);
  const std::vector<double> dropout(c.activations.size(), 0.25);
  const std::unique_ptr<bool[]> active(new bool[members]), frozen(new bool[std::size_t(p.count())]);
  for (std::size_t k = 0; k < members; ++k) active[k] = true;
  for (Index i = 0; i < p.count(); ++i) frozen[std::size_t(i)] = i % 7 == 0;
  Pace pace{};
  Index done = 0;
  const Index batches = (c.n + c.batch - 1) / c.batch;
  for (Index steps : calls) {
    std::vector<double> factors;
    for (Index i = 0; i < steps; ++i) factors.push_back(1 / (1 + 0.01 * double(done + i)));
    Training<T> training{};
    training.shape = p.shape(), training.loss = p.loss;
    training.optimizer = p.optimizer, training.hyper = p.hyper.data();
    training.members = c.members, training.parameter_count = p.count();
    training.parameters = state.parameters.data(), training.moments = state.moments.data();
    training.seeds = seeds.data(), training.learning_rate = learning_rate.data(), training.factors = factors.data();
    training.l2 = l2.data(), training.l1 = l1.data(), training.weight_decay = decay.data();
    if (all) {
      training.rates = rates.data(), training.dropout = dropout.data(), training.frozen = frozen.get();
      training.gradient_norm = 0.5, training.weight_norm = 0.8;
    }
    training.loss_sum = state.loss_sum.data(), training.active = active.get();
    training.epoch = done / batches, training.batch = done % batches, training.step = done;
    training.x = p.rows(), training.targets = p.targets();
    training.batch_size = c.batch, training.steps = steps, training.shuffle = c.n != c.batch;
    call(threads, [&](Team team, char* memory) { return functions<T>().advance(team, training, &pace, memory); });
    done += steps;
  }
  return state;
}

}  // namespace selfcheck

// The only file that knows Python. It checks what arrives, gives the interpreter lock away and calls the kernel of the
// best level that this processor has.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "cpu.h"
#include "kernel.h"
#include "team.h"

namespace nb = nanobind;
using namespace nb::literals;

#define GLASSNET_DECLARE(level) \
  namespace glassnet::level {   \
  Kernel kernel();              \
  }
GLASSNET_DECLARE(baseline)
#if defined(GLASSNET_X86_LEVELS)
GLASSNET_DECLARE(avx2)
GLASSNET_DECLARE(avx512)
#endif

namespace {

using namespace glassnet;

std::vector<Kernel> runnable_kernels() {
  std::vector<Kernel> kernels{baseline::kernel()};
#if defined(GLASSNET_X86_LEVELS)
  const Processor processor;
  if (processor.avx2) kernels.push_back(avx2::kernel());
  if (processor.avx512) kernels.push_back(avx512::kernel());
#endif
  return kernels;
}

// The best level, or the one that the environment asks for.
const Kernel& kernel() {
  static const Kernel chosen = [] {
    const std::vector<Kernel> kernels = runnable_kernels();
    const char* wanted = std::getenv("GLASSNET_KERNEL");
    if (!wanted || !*wanted) return kernels.back();
    std::string known;
    for (const Kernel& each : kernels) {
      if (std::string(wanted) == each.level) return each;
      known += std::string(known.empty() ? "" : ", ") + each.level;
    }
    throw std::invalid_argument("GLASSNET_KERNEL is '" + std::string(wanted) + "', but this machine can run: " + known +
                                ". Unset it to take the best.");
  }();
  return chosen;
}

template <class T>
const Functions<T>& functions();
template <>
const Functions<float>& functions() {
  return kernel().float32;
}
template <>
const Functions<double>& functions() {
  return kernel().float64;
}

std::vector<std::string> names(const char* (*name)(int)) {
  std::vector<std::string> all;
  for (int code = 0; name(code); ++code) all.push_back(name(code));
  return all;
}

int code_of(const char* (*name)(int), const std::string& wanted, const char* kind) {
  for (int code = 0; name(code); ++code)
    if (wanted == name(code)) return code;
  throw std::invalid_argument(std::string("the kernel has no ") + kind + " '" + wanted + "'");
}

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(std::string("kernel: ") + what);
}

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
template <class T>
using MaybeIn = std::optional<In<T>>;

// Architecture of nn.network, checked once.
struct Architecture {
  std::vector<std::int64_t> sizes;
  std::vector<int> activations;
  bool bias, skip;
  std::int64_t parameter_count = 0;

  Architecture(std::vector<std::int64_t> sizes_, const std::vector<std::string>& names_, bool bias_, bool skip_)
      : sizes(std::move(sizes_)), bias(bias_), skip(skip_) {
    require(sizes.size() >= 2 && names_.size() == sizes.size() - 2, "sizes and activations do not fit");
    for (std::int64_t size : sizes) require(size >= 1, "a size is below 1");
    for (const std::string& name : names_) activations.push_back(code_of(kernel().activation_name, name, "activation"));
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l) parameter_count += (sizes[l] + bias) * sizes[l + 1];
    if (skip) parameter_count += inputs() * outputs();
  }

  Shape shape() const { return {int(sizes.size()) - 1, sizes.data(), activations.data(), bias, skip}; }
  std::int64_t inputs() const { return sizes.front(); }
  std::int64_t outputs() const { return sizes.back(); }
};

using Indices = std::optional<nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>>;

template <class I>
void check_indices(const I* start, const I* column, std::int64_t n, std::int64_t stored, std::int64_t d) {
  require(start[0] == 0 && start[n] == stored, "CSR starts do not span the values");
  for (std::int64_t i = 0; i < n; ++i) require(start[i] <= start[i + 1], "CSR starts fall");
  for (std::int64_t e = 0; e < stored; ++e) require(column[e] >= 0 && column[e] < d, "a CSR column is out of range");
}

// Features: dense (n, d), or CSR as values, starts (n + 1) and columns, both of 32 or both of 64 bits.
template <class T>
Rows<T> rows_of(const Architecture& architecture, const In<T>& values, const Indices& starts, const Indices& columns) {
  Rows<T> rows{};
  rows.values = values.data();
  if (!starts) {
    require(values.ndim() == 2 && std::int64_t(values.shape(1)) == architecture.inputs(), "x is not (n, d)");
    rows.n = std::int64_t(values.shape(0));
    return rows;
  }
  require(columns && starts->size() >= 1, "CSR needs starts and columns");
  const std::int64_t stored = std::int64_t(columns->size()), d = architecture.inputs();
  rows.n = std::int64_t(starts->size()) - 1;
  require(values.size() == columns->size(), "CSR values and columns differ in length");
  require(starts->dtype() == columns->dtype(), "CSR starts and columns differ in dtype");
  if (starts->dtype() == nb::dtype<std::int32_t>()) {
    rows.starts32 = static_cast<const std::int32_t*>(starts->data());
    rows.columns32 = static_cast<const std::int32_t*>(columns->data());
    check_indices(rows.starts32, rows.columns32, rows.n, stored, d);
  } else {
    require(starts->dtype() == nb::dtype<std::int64_t>(), "CSR starts and columns are not int32 or int64");
    rows.starts64 = static_cast<const std::int64_t*>(starts->data());
    rows.columns64 = static_cast<const std::int64_t*>(columns->data());
    check_indices(rows.starts64, rows.columns64, rows.n, stored, d);
  }
  return rows;
}

template <class T>
Targets<T> targets_of(const Architecture& architecture, Loss loss, std::int64_t n, const In<T>& t,
                      const MaybeIn<T>& s) {
  require(
      t.ndim() == 2 && std::int64_t(t.shape(0)) == n && std::int64_t(t.shape(1)) * loss.width == architecture.outputs(),
      "t is not (n, k)");
  require(!s || std::int64_t(s->size()) == n, "s is not (n,)");
  return {t.data(), s ? s->data() : nullptr};
}

void require_parameters(const Architecture& architecture, std::size_t count) {
  require(std::int64_t(count) == architecture.parameter_count, "parameters are not (P,)");
}

// A loss by its name, with its numbers.
struct LossTwin {
  int code;
  std::vector<double> hyper;

  LossTwin(const std::string& name, std::vector<double> hyper_)
      : code(code_of(kernel().loss_name, name, "loss")), hyper(std::move(hyper_)) {
    hyper.resize(4);  // whatever a twin reads is there
  }
  Loss get() const { return {code, hyper.data(), kernel().loss_width(code)}; }
};

struct Release {
  void operator()(char* memory) const { ::operator delete(memory, std::align_val_t(64)); }
};

using Memory = std::unique_ptr<char, Release>;

Memory memory_of(std::size_t bytes) { return Memory(static_cast<char*>(::operator new(bytes, std::align_val_t(64)))); }

// An order of rows, with its memory.
struct KeptOrder {
  Order order{};
  Memory memory;
  std::int64_t room = 0;

  Order* of(std::int64_t n) {
    if (room < n) {
      order = Order{};
      memory.reset();
      room = 0;
      memory = memory_of(std::size_t(n) * sizeof(std::int64_t));
      room = n;
      order.rows = reinterpret_cast<std::int64_t*>(memory.get());
    }
    return &order;
  }
};

// Memory that stays from call to call, and the pace of the training that it serves. One call at a time may use it: who
// finds it taken has memory of his own for as long as he needs it.
struct Workspace {
  std::mutex taken;
  Memory memory;
  std::size_t bytes = 0;
  Pace pace{};
  KeptOrder order;
};

// Ask how much memory the work needs, then do it, without the interpreter lock.
template <class Work>
void run(int threads, Workspace& workspace, const Work& work) {
  require(threads >= 1, "threads is below 1");
  nb::gil_scoped_release unlocked;
  const Crew crew(threads);
  Pace pace{};
  const std::size_t bytes = work(crew.team(), pace, static_cast<char*>(nullptr));
  const std::unique_lock<std::mutex> mine(workspace.taken, std::try_to_lock);
  if (!mine) {
    work(crew.team(), pace, memory_of(bytes).get());
    return;
  }
  if (workspace.bytes < bytes) {
    workspace.memory.reset();  // first, so that both are never there
    workspace.bytes = 0;
    workspace.memory = memory_of(bytes);
    workspace.bytes = bytes;
  }
  work(crew.team(), workspace.pace, workspace.memory.get());
}

// A network kept ready for single rows: numbers in, p (or y, without a loss) out, a microsecond later.
template <class T>
class Predictor {
 public:
  Predictor(const Architecture& a, const LossTwin* loss, In<T> parameters)
      : x_(std::size_t(a.inputs())), y_(std::size_t(a.outputs())), loss_(loss ? *loss : LossTwin("squared_error", {})) {
    require_parameters(a, parameters.size());
    memory_ = memory_of(functions<T>().prepare(a.shape(), parameters.data(), nullptr));
    functions<T>().prepare(a.shape(), parameters.data(), memory_.get());
  }

  // The interpreter lock is kept: to give it away would take longer than the work.
  nb::object call(nb::handle row) {
    functions<T>().predict(memory_.get(), read(row), y_.data());
    functions<T>().link(loss_.get(), y_.data(), int(y_.size()));
    if (y_.size() == 1) return nb::float_(double(y_[0]));
    T* p = new T[y_.size()];
    nb::capsule owner(p, [](void* memory) noexcept { delete[] static_cast<T*>(memory); });
    std::copy(y_.begin(), y_.end(), p);
    return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(p, {y_.size()}, owner));
  }

 private:
  const T* read(nb::handle row) {
    nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu> same;
    nb::ndarray<const double, nb::ndim<1>, nb::device::cpu> wide;
    if (nb::try_cast(row, same, false)) {
      check(same.shape(0));
      return same.data();
    }
    if (nb::try_cast(row, wide, false)) {
      check(wide.shape(0));
      for (std::size_t k = 0; k < x_.size(); ++k) x_[k] = T(wide(k));
      return x_.data();
    }
    if (nb::isinstance<nb::list>(row)) {
      const auto list = nb::borrow<nb::list>(row);
      check(list.size());
      for (std::size_t k = 0; k < x_.size(); ++k) x_[k] = number(list[k]);
    } else {
      const auto sequence = nb::borrow<nb::object>(row);
      check(nb::len(sequence));
      for (std::size_t k = 0; k < x_.size(); ++k) x_[k] = number(sequence[k]);
    }
    return x_.data();
  }

  static T number(nb::handle value) {
    const double result = PyFloat_AsDouble(value.ptr());
    if (result == -1 && PyErr_Occurred()) throw nb::python_error();
    return T(result);
  }

  void check(std::size_t length) const {
    if (length != x_.size())
      throw nb::value_error(("a row has " + std::to_string(length) + " numbers, but this network takes " +
                             std::to_string(x_.size()) + "; for many rows at once use predict")
                                .c_str());
  }

  std::vector<T> x_, y_;
  LossTwin loss_;
  Memory memory_;
};

// A fit by least squares, step by step; it reads x, t and the rest in the arrays that it was given, and keeps them.
class LeastSquares {
 public:
  LeastSquares(const Architecture& a, In<double> theta, In<double> values, Indices starts, Indices columns,
               In<double> t, In<double> root, In<std::int64_t> places, In<double> pull, double fixed,
               double first_damping, double least_damping, double probe, double most_bent, int threads)
      : architecture_(a), keep_{theta, values, t, root, pull}, starts_(starts), columns_(columns), places_(places) {
    require_parameters(a, theta.size());
    const Rows<double> x = rows_of<double>(a, values, starts, columns);
    targets_of<double>(a, {0, nullptr, 1}, x.n, t, std::nullopt);
    require(std::int64_t(root.size()) == x.n, "root is not (n,)");
    require(places.size() == pull.size() && places.size() >= 1, "places and pull are not (free,)");
    for (std::size_t f = 0; f < places.size(); ++f)
      require(places.data()[f] >= 0 && places.data()[f] < a.parameter_count, "a place is out of range");
    const Fit fit{architecture_.shape(),
                  x,
                  t.data(),
                  root.data(),
                  theta.data(),
                  a.parameter_count,
                  std::int64_t(places.size()),
                  places.data(),
                  pull.data(),
                  fixed,
                  first_damping,
                  least_damping,
                  probe,
                  most_bent};
    nb::gil_scoped_release unlocked;
    // One worker's memory for each thread that may be; a crew with fewer uses less of it.
    const Crew crew(threads);
    workers_ = crew.team().workers;
    memory_ = memory_of(kernel().fit_open(crew.team(), fit, nullptr));
    kernel().fit_open(crew.team(), fit, memory_.get());
  }

  void advance() {
    nb::gil_scoped_release unlocked;
    const Crew crew(workers_);
    kernel().fit_advance(crew.team(), memory_.get());
  }
  FitState state() const { return kernel().fit_read(memory_.get(), nullptr); }
  void read(Out<double> theta) const {
    require_parameters(architecture_, theta.size());
    kernel().fit_read(memory_.get(), theta.data());
  }

 private:
  Architecture architecture_;
  std::vector<In<double>> keep_;
  Indices starts_, columns_;
  In<std::int64_t> places_;
  int workers_ = 1;
  Memory memory_;
};

// No array is converted on the way in: of one in another dtype or layout the kernel would work on a copy, and what it
// writes would be lost.
template <class T>
void define(nb::module_& m, const char* predictor) {
  nb::class_<Predictor<T>>(m, predictor)
      .def(nb::init<const Architecture&, const LossTwin*, In<T>>(), "architecture"_a, "loss"_a.none(),
           "parameters"_a.noconvert())
      .def("__call__", &Predictor<T>::call, "row"_a);

  m.def(
      "forward",
      [](const Architecture& a, In<T> parameters, In<T> values, Indices starts, Indices columns, Out<T> y,
         std::vector<Out<T>> z, std::vector<Out<T>> h, int threads, Workspace& workspace) {
        require_parameters(a, parameters.size());
        const Rows<T> x = rows_of<T>(a, values, starts, columns);
        require(std::int64_t(y.size()) == x.n * a.outputs(), "y is not (n, k)");
        std::vector<T*> zs, hs;
        require(z.size() == h.size() && (z.empty() || z.size() == a.sizes.size() - 1), "one z and h for each layer");
        for (std::size_t l = 0; l < z.size(); ++l) {
          const auto size = std::size_t(x.n * a.sizes[l + 1]);
          require(z[l].size() == size && h[l].size() == size, "z and h are not (n, m)");
          zs.push_back(z[l].data()), hs.push_back(h[l].data());
        }
        const Traces<T> traces{zs.empty() ? nullptr : zs.data(), hs.empty() ? nullptr : hs.data()};
        run(threads, workspace, [&](Team team, Pace&, char* memory) {
          return functions<T>().forward(team, a.shape(), parameters.data(), x, y.data(), traces, memory);
        });
      },
      "architecture"_a, "parameters"_a.noconvert(), "x"_a.noconvert(), "starts"_a.noconvert().none(),
      "columns"_a.noconvert().none(), "y"_a.noconvert(), "z"_a.noconvert(), "h"_a.noconvert(), "threads"_a,
      "workspace"_a);

  m.def(
      "evaluate",
      [](const Architecture& a, const LossTwin& loss, In<T> parameters, In<T> values, Indices starts, Indices columns,
         In<T> t, MaybeIn<T> s, int threads, Workspace& workspace) {
        require_parameters(a, parameters.size());
        const Rows<T> x = rows_of<T>(a, values, starts, columns);
        const Targets<T> targets = targets_of<T>(a, loss.get(), x.n, t, s);
        double value = 0;
        run(threads, workspace, [&](Team team, Pace&, char* memory) {
          return functions<T>().evaluate(team, a.shape(), parameters.data(), loss.get(), x, targets, &value, memory);
        });
        return value;
      },
      "architecture"_a, "loss"_a, "parameters"_a.noconvert(), "x"_a.noconvert(), "starts"_a.noconvert().none(),
      "columns"_a.noconvert().none(), "t"_a.noconvert(), "s"_a.noconvert().none(), "threads"_a, "workspace"_a);

  m.def(
      "gradients",
      [](const Architecture& a, const LossTwin& loss, In<T> parameters, In<T> values, Indices starts, Indices columns,
         In<T> t, MaybeIn<T> s, double l2, double l1, Out<T> g, int threads, Workspace& workspace) {
        require_parameters(a, parameters.size());
        require_parameters(a, g.size());
        const Rows<T> x = rows_of<T>(a, values, starts, columns);
        const Targets<T> targets = targets_of<T>(a, loss.get(), x.n, t, s);
        double value = 0;
        run(threads, workspace, [&](Team team, Pace&, char* memory) {
          return functions<T>().gradients(team, a.shape(), parameters.data(), loss.get(), x, targets, l2, l1, &value,
                                          g.data(), memory);
        });
        return value;
      },
      "architecture"_a, "loss"_a, "parameters"_a.noconvert(), "x"_a.noconvert(), "starts"_a.noconvert().none(),
      "columns"_a.noconvert().none(), "t"_a.noconvert(), "s"_a.noconvert().none(), "l2"_a, "l1"_a, "g"_a.noconvert(),
      "threads"_a, "workspace"_a);

  m.def(
      "jacobian",
      [](const Architecture& a, In<T> parameters, In<T> values, Indices starts, Indices columns, bool wrt_inputs,
         Out<T> j, int threads, Workspace& workspace) {
        require_parameters(a, parameters.size());
        const Rows<T> x = rows_of<T>(a, values, starts, columns);
        const std::int64_t width = wrt_inputs ? a.inputs() : a.parameter_count;
        require(std::int64_t(j.size()) == x.n * a.outputs() * width, "the Jacobian is not (n, k, P) or (n, k, d)");
        run(threads, workspace, [&](Team team, Pace&, char* memory) {
          return functions<T>().jacobian(team, a.shape(), parameters.data(), x, wrt_inputs, j.data(), memory);
        });
      },
      "architecture"_a, "parameters"_a.noconvert(), "x"_a.noconvert(), "starts"_a.noconvert().none(),
      "columns"_a.noconvert().none(), "wrt_inputs"_a, "j"_a.noconvert(), "threads"_a, "workspace"_a);

  m.def(
      "advance",
      [](const Architecture& a, const LossTwin& loss, const std::string& optimizer, std::vector<double> hyper,
         Out<T> parameters, Out<T> moments, In<std::uint64_t> seeds, In<double> learning_rate, In<double> factors,
         std::vector<double> rates, In<double> l2, In<double> l1, In<double> weight_decay, std::vector<double> dropout,
         double gradient_norm, double weight_norm, Out<double> loss_sum, In<bool> active, MaybeIn<bool> frozen,
         std::int64_t epoch, std::int64_t batch, std::int64_t step, In<T> values, Indices starts, Indices columns,
         In<T> t, MaybeIn<T> s, std::int64_t batch_size, bool shuffle, std::int64_t steps, int threads,
         Workspace& workspace) {
        Training<T> training{};
        training.shape = a.shape();
        training.loss = loss.get();
        training.optimizer = code_of(kernel().optimizer_name, optimizer, "optimizer");
        training.hyper = hyper.data();
        training.members = std::int64_t(seeds.size());
        training.parameter_count = a.parameter_count;
        const std::size_t members = seeds.size(), count = members * std::size_t(a.parameter_count);
        require(parameters.size() == count, "parameters are not (K, P)");
        require(moments.size() == std::size_t(kernel().moment_count(training.optimizer)) * count,
                "moments are not (moments, K, P)");
        require(learning_rate.size() == members && l2.size() == members && l1.size() == members &&
                    weight_decay.size() == members && loss_sum.size() == members && active.size() == members,
                "learning_rate, l2, l1, weight_decay, loss_sum and active are not (K,)");
        require(std::int64_t(factors.size()) == steps, "factors are not one for each step");
        require(rates.empty() || rates.size() == 2 * (a.sizes.size() - 1 + a.skip), "rates are not a pair a layer");
        require(dropout.empty() || dropout.size() == a.activations.size(), "dropout is not one a hidden layer");
        training.factors = factors.data(), training.l1 = l1.data(), training.weight_decay = weight_decay.data();
        training.rates = rates.empty() ? nullptr : rates.data();
        training.dropout = dropout.empty() ? nullptr : dropout.data();
        training.gradient_norm = gradient_norm, training.weight_norm = weight_norm;
        if (frozen) require_parameters(a, frozen->size());
        training.parameters = parameters.data(), training.moments = moments.data();
        training.seeds = seeds.data(), training.learning_rate = learning_rate.data(), training.l2 = l2.data();
        training.loss_sum = loss_sum.data(), training.active = active.data();
        training.frozen = frozen ? frozen->data() : nullptr;
        training.epoch = epoch, training.batch = batch, training.step = step;
        training.x = rows_of<T>(a, values, starts, columns);
        training.targets = targets_of<T>(a, training.loss, training.x.n, t, s);
        training.batch_size = batch_size, training.steps = steps, training.shuffle = shuffle;
        require(training.x.n >= 1 && batch_size >= 1 && steps >= 0 && batch >= 0,
                "n, batch_size or steps out of range");
        require(batch < (training.x.n + batch_size - 1) / batch_size, "batch is past the end of the epoch");
        KeptOrder own;  // for who finds the workspace taken
        Order nowhere{};
        run(threads, workspace, [&](Team team, Pace& pace, char* memory) {
          if (shuffle && members == 1) {
            KeptOrder& kept = &pace == &workspace.pace ? workspace.order : own;
            training.order = memory ? kept.of(training.x.n) : &nowhere;
          }
          return functions<T>().advance(team, training, &pace, memory);
        });
      },
      "architecture"_a, "loss"_a, "optimizer"_a, "hyper"_a, "parameters"_a.noconvert(), "moments"_a.noconvert(),
      "seeds"_a.noconvert(), "learning_rate"_a.noconvert(), "factors"_a.noconvert(), "rates"_a, "l2"_a.noconvert(),
      "l1"_a.noconvert(), "weight_decay"_a.noconvert(), "dropout"_a, "gradient_norm"_a, "weight_norm"_a,
      "loss_sum"_a.noconvert(), "active"_a.noconvert(), "frozen"_a.noconvert().none(), "epoch"_a, "batch"_a, "step"_a,
      "x"_a.noconvert(), "starts"_a.noconvert().none(), "columns"_a.noconvert().none(), "t"_a.noconvert(),
      "s"_a.noconvert().none(), "batch_size"_a, "shuffle"_a, "steps"_a, "threads"_a, "workspace"_a);

  m.def(
      "elementary",
      [](const std::string& which, In<T> x, Out<T> result) {
        const char* known[] = {"exp", "tanh", "log", "log1p", "sin", "cos", "expm1_below"};
        int code = 0;
        while (code < 7 && which != known[code]) ++code;
        require(code < 7 && x.size() == result.size(), "elementary knows no such function of an array");
        functions<T>().elementary(code, x.data(), result.data(), std::int64_t(x.size()));
      },
      "which"_a, "x"_a.noconvert(), "result"_a.noconvert());
}

}  // namespace

NB_MODULE(_kernel, m) {
  m.doc() = "The network in C++: twin of glassnet.nn.";
  nb::set_leak_warnings(false);  // what Python keeps until it ends is no leak of ours
  kernel();                      // so that an environment that asks for the impossible is told at import

  nb::class_<Architecture>(m, "Architecture")
      .def(nb::init<std::vector<std::int64_t>, std::vector<std::string>, bool, bool>(), "sizes"_a, "activations"_a,
           "bias"_a, "skip"_a);
  nb::class_<LossTwin>(m, "Loss").def(nb::init<std::string, std::vector<double>>(), "name"_a, "hyperparameters"_a);
  nb::class_<Workspace>(m, "Workspace").def(nb::init<>());
  nb::class_<FitState>(m, "FitState")
      .def_ro("loss", &FitState::loss)
      .def_ro("largest_gradient", &FitState::largest_gradient)
      .def_ro("damping", &FitState::damping)
      .def_ro("evaluations", &FitState::evaluations)
      .def_ro("fall", &FitState::fall)
      .def_ro("length", &FitState::length)
      .def_ro("size", &FitState::size)
      .def_ro("moved", &FitState::moved);
  nb::class_<LeastSquares>(m, "LeastSquares")
      .def(nb::init<const Architecture&, In<double>, In<double>, Indices, Indices, In<double>, In<double>,
                    In<std::int64_t>, In<double>, double, double, double, double, double, int>(),
           "architecture"_a, "theta"_a.noconvert(), "x"_a.noconvert(), "starts"_a.noconvert().none(),
           "columns"_a.noconvert().none(), "t"_a.noconvert(), "root"_a.noconvert(), "places"_a.noconvert(),
           "pull"_a.noconvert(), "fixed"_a, "first_damping"_a, "least_damping"_a, "probe"_a, "most_bent"_a, "threads"_a)
      .def("advance", &LeastSquares::advance)
      .def("state", &LeastSquares::state)
      .def("read", &LeastSquares::read, "theta"_a.noconvert());
  define<float>(m, "Predictor32");
  define<double>(m, "Predictor64");
  m.def(
      "permutation",
      [](std::uint64_t seed, std::uint64_t epoch, Out<std::int64_t> order) {
        kernel().permutation(seed, epoch, std::int64_t(order.size()), order.data());
      },
      "seed"_a, "epoch"_a, "order"_a.noconvert());

  m.attr("level") = kernel().level;
  m.attr("levels") = nb::cast([] {
    std::vector<std::string> all;
    for (const Kernel& each : runnable_kernels()) all.push_back(each.level);
    return all;
  }());
  m.attr("activations") = nb::cast(names(kernel().activation_name));
  m.attr("losses") = nb::cast(names(kernel().loss_name));
  m.attr("optimizers") = nb::cast(names(kernel().optimizer_name));
}

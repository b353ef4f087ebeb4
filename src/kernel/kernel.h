// What the bindings ask of a kernel: plain structs in, plain arrays out. The same for every dispatch level.
#pragma once
#include <cstddef>
#include <cstdint>

namespace glassnet {

// Who does the work: share(self, workers, units, work, context) calls work(context, unit, worker) once for every unit
// below `units`, on at most so many threads, and returns when all is done. What a unit holds never depends on who runs
// it, so neither does any bit of a result. A worker's number tells its own memory from that of the others.
struct Team {
  int workers;
  void* self;
  void (*share)(void* self, int workers, std::int64_t units, void (*work)(void* context, std::int64_t unit, int worker),
                void* context);
  double (*seconds)();  // on a clock that only runs forward
};

// How long a step takes alone and together, as measured while a training runs, so that the better one goes on. Results
// do not depend on the choice.
struct Pace {
  double alone, together;  // seconds a step, 0 before the first measurement
  double tried;            // when the slower one was last tried
  bool is_together, settled;
  int left;      // steps of this measurement still to make
  double spent;  // seconds, on those made
};

// Network.architecture; parameters are one vector: w row by row, then b, layer by layer.
struct Shape {
  int layers;
  const std::int64_t* sizes;  // layers + 1
  const int* activations;     // codes, one for each hidden layer
  bool bias, skip;
};

// A loss: its code, its numbers, and how many scores it has for each target.
struct Loss {
  int code;
  const double* hyper;
  int width;
};

// Features of n rows: dense and row-major, or CSR with indices of 32 or of 64 bits.
template <class T>
struct Rows {
  std::int64_t n;
  const T* values;
  const std::int32_t *starts32, *columns32;
  const std::int64_t *starts64, *columns64;

  bool sparse() const { return starts32 || starts64; }
  std::int64_t starts(std::int64_t row) const { return starts32 ? starts32[row] : starts64[row]; }
  std::int64_t columns(std::int64_t element) const { return columns32 ? columns32[element] : columns64[element]; }
};

template <class T>
struct Targets {
  const T* t;  // (n, k)
  const T* s;  // (n), or null
};

// Where forward leaves z and h of every layer, row-major; null where they are not wanted.
template <class T>
struct Traces {
  T* const* z;
  T* const* h;
};

// The order of the rows in an epoch, kept from call to call: a call of few steps in a long epoch goes on with it.
struct Order {
  std::int64_t* rows;  // room for n of them
  std::uint64_t seed;
  std::int64_t epoch, n;  // 0: none is kept yet
};

// engine.State, by pointers into its arrays, and the data; see engine.py for what they mean.
template <class T>
struct Training {
  Shape shape;
  Loss loss;
  int optimizer;
  const double* hyper;  // of the optimizer
  std::int64_t members, parameter_count;
  T *parameters, *moments;
  const std::uint64_t* seeds;
  const double *learning_rate, *l2, *l1, *weight_decay;
  const double* factors;              // of the schedule, one for each step
  const double* rates;                // a pair for each layer, or null
  const double* dropout;              // one for each hidden layer, or null
  double gradient_norm, weight_norm;  // 0 is no bound
  double* loss_sum;
  const bool *active, *frozen;  // frozen may be null
  std::int64_t epoch, batch, step;
  Rows<T> x;
  Targets<T> targets;
  std::int64_t batch_size, steps;
  bool shuffle;
  Order* order;  // of the one member; null, where each worker makes its own in `memory`
};

// Each function does its work in `memory`, 64-byte aligned; called with null it says how many bytes it needs.
template <class T>
struct Functions {
  std::size_t (*forward)(Team, Shape, const T* parameters, Rows<T>, T* y, Traces<T>, char* memory);
  std::size_t (*evaluate)(Team, Shape, const T* parameters, Loss, Rows<T>, Targets<T>, double* value, char* memory);
  std::size_t (*gradients)(Team, Shape, const T* parameters, Loss, Rows<T>, Targets<T>, double l2, double l1,
                           double* value, T* g, char* memory);
  std::size_t (*jacobian)(Team, Shape, const T* parameters, Rows<T>, bool wrt_inputs, T* j, char* memory);
  std::size_t (*advance)(Team, const Training<T>&, Pace*, char* memory);
  std::size_t (*prepare)(Shape, const T* parameters, char* memory);  // a network ready for one row after the other,
  void (*predict)(const char* memory, const T* x, T* y);             // which it then takes, and leaves its scores
  void (*link)(Loss, T* y, int m);                                   // p of the scores of one row, in their place
  void (*elementary)(int which, const T* x, T* result,
                     std::int64_t count);  // exp, tanh, log, log1p, sin, cos, expm1_below
};

// A fit by least squares, and where it stands; see least_squares.py for what the numbers mean.
struct Fit {
  Shape shape;
  Rows<double> x;
  const double *t, *root;  // (n, k), (n)
  const double* theta;     // (parameters), where it begins
  std::int64_t parameters, free;
  const std::int64_t* places;  // (free), of the parameters that may move among all
  const double* pull;          // (free), α/Σs of a weight, 0 of a bias
  double fixed;                // Σ α/Σs w² of the weights that may not move
  double first_damping, least_damping, probe, most_bent;
};

struct FitState {
  double loss, largest_gradient, damping;
  std::int64_t evaluations;
  double fall, length, size;  // of the last step: the part of L by which it fell, ‖δ‖, and ‖θ‖ before it
  bool moved;                 // whether θ + δ is another number than θ
};

struct Kernel {
  const char* level;
  Functions<float> float32;
  Functions<double> float64;
  std::size_t (*fit_open)(Team, const Fit&, char* memory);  // a fit that stays in memory
  FitState (*fit_advance)(Team, char* memory);
  FitState (*fit_read)(const char* memory, double* theta);
  const char* (*activation_name)(int);  // null past the last, as the others
  const char* (*loss_name)(int);
  const char* (*optimizer_name)(int);
  int (*moment_count)(int optimizer);
  int (*loss_width)(int loss);
  void (*permutation)(std::uint64_t seed, std::uint64_t epoch, std::int64_t n, std::int64_t* order);
};

}  // namespace glassnet

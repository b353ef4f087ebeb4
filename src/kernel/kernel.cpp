// One translation unit, compiled once for every dispatch level: GLASSNET_LEVEL names it and is its namespace.
//
// Nothing here instantiates a template of the standard library: the linker might hand a copy made for a newer processor
// to the baseline.
#if defined(_MSC_VER) && !defined(__clang__)
#pragma fp_contract(off)  // before Visual Studio 2022, /fp:precise may fuse a multiplication with an addition
#endif
#include "kernel.h"

#include "least_squares.h"
#include "training.h"

#define GLASSNET_TEXT_(x) #x
#define GLASSNET_TEXT(x) GLASSNET_TEXT_(x)

namespace glassnet::GLASSNET_LEVEL {
namespace {

template <class Twins>
const char* name(int code) {
  return code < Twins::size ? Twins::name(code) : nullptr;
}

template <class T>
void elementary(int which, const T* x, T* result, std::int64_t count) {
  for (Index i = 0; i < count; ++i)
    result[i] = which == 0   ? exp(x[i])
                : which == 1 ? tanh(x[i])
                : which == 2 ? log(x[i])
                : which == 3 ? log1p(x[i])
                : which == 4 ? sin(x[i])
                : which == 5 ? cos(x[i])
                             : expm1(x[i] < T(0) || x[i] != x[i] ? x[i] : T(0));
}

template <class T>
Functions<T> functions() {
  return {forward<T>, evaluate<T>, gradients<T>, jacobian<T>,  advance<T>,
          prepare<T>, predict<T>,  link<T>,      elementary<T>};
}

}  // namespace

Kernel kernel() {
  return {GLASSNET_TEXT(GLASSNET_LEVEL),
          functions<float>(),
          functions<double>(),
          fit_open,
          fit_advance,
          fit_read,
          name<Activations>,
          name<Losses>,
          name<Optimizers>,
          moments_of,
          width_of,
          permutation};
}

}  // namespace glassnet::GLASSNET_LEVEL

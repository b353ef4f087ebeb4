// Put before kernel.cpp, it makes the compiler look like one without GCC's extensions, so that what such a compiler is
// given runs too: loops for vectors, products of 128 bits by halves, no shuffles.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#undef __GNUC__
#undef __SIZEOF_INT128__
#undef __has_builtin

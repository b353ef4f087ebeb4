// Which dispatch levels this processor, and the system on it, can run.
#pragma once
#if defined(GLASSNET_X86_LEVELS)
#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>

#include <initializer_list>

namespace glassnet {

struct Processor {
  bool avx2 = false, avx512 = false;

  Processor() {
    int leaf[4];
    __cpuid(leaf, 0);
    if (leaf[0] < 7) return;
    __cpuid(leaf, 1);
    const bool saves = leaf[2] >> 27 & 1, fma = leaf[2] >> 12 & 1;
    if (!saves) return;  // the system must keep the wide registers
    const unsigned long long kept = _xgetbv(0);
    __cpuidex(leaf, 7, 0);
    avx2 = (kept & 0x6) == 0x6 && fma && (leaf[1] >> 5 & 1);
    const int f = 16, dq = 17, cd = 28, bw = 30, vl = 31;
    avx512 = avx2 && (kept & 0xe6) == 0xe6;
    for (int bit : {f, dq, cd, bw, vl}) avx512 = avx512 && (leaf[1] >> bit & 1);
  }
};

}  // namespace glassnet

#else

namespace glassnet {

struct Processor {
  bool avx2, avx512;

  Processor() {
    __builtin_cpu_init();
    avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512cd");
  }
};

}  // namespace glassnet

#endif
#endif

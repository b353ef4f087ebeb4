// The most multiply-adds that a core can do: independent chains of x = x·a + b in registers, GFLOP/s in float32.
// BYTES is the width of a register. Compiled with contraction, so that each line is one FMA where there is one.
#include <chrono>
#include <cstdio>

typedef float Vector __attribute__((vector_size(BYTES)));
constexpr int LANES = BYTES / sizeof(float);
constexpr int CHAINS = 12;  // enough for a latency of four at two a cycle, and they fit in sixteen registers
constexpr long STEPS = 1 << 17;

// Values that the compiler cannot know, and a sum that it cannot leave out.
volatile float one = 1.0f, little = 1e-9f, sink;

static double gflops() {
  using clock = std::chrono::steady_clock;
  Vector a = {}, b = {}, x[CHAINS];
  a += one;
  b += little;
  for (auto& chain : x) chain = b;
  const auto began = clock::now();
  for (long i = 0; i < STEPS; ++i)
#pragma GCC unroll 12
    for (int c = 0; c < CHAINS; ++c) x[c] = x[c] * a + b;
  const std::chrono::duration<double> seconds = clock::now() - began;
  for (auto& chain : x) sink = chain[0];
  return 2e-9 * STEPS * CHAINS * LANES / seconds.count();
}

int main() {
  double best = 0;
  for (int i = 0; i < 100; ++i) {
    const double now = gflops();
    best = now > best ? now : best;
  }
  std::printf("%.2f\n", best);
}

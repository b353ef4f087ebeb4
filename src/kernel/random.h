// Philox4x64-10: twin of random.py. A number depends on its address alone.
#pragma once
#include <cstdint>

namespace glassnet::GLASSNET_LEVEL {

constexpr std::uint64_t PURPOSE_SHUFFLE = 2, PURPOSE_DROPOUT = 3;

// The high half of a · b; the low half into `low`.
inline std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b, std::uint64_t& low) {
#if defined(__SIZEOF_INT128__)
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = Wide(a) * b;
  low = std::uint64_t(product);
  return std::uint64_t(product >> 64);
#else
  const std::uint64_t mask = 0xffffffffu, al = a & mask, ah = a >> 32, bl = b & mask, bh = b >> 32;
  const std::uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
  const std::uint64_t middle = (ll >> 32) + (lh & mask) + (hl & mask);
  low = a * b;
  return ah * bh + (lh >> 32) + (hl >> 32) + (middle >> 32);
#endif
}

// Random 32-bit words, one after the other, at address (seed, purpose, index, second, third), from block `first` on.
class Words {
 public:
  Words(std::uint64_t seed, std::uint64_t purpose, std::uint64_t index, std::uint64_t second = 0,
        std::uint64_t third = 0, std::uint64_t first = 0)
      : key_{seed, purpose}, index_(index), second_(second), third_(third), counter_(first) {}

  std::uint32_t next() {
    if (place_ == 8) {
      block();
      place_ = 0;
    }
    const std::uint64_t word = out_[place_ / 2];
    return std::uint32_t(place_++ % 2 ? word >> 32 : word);
  }

 private:
  void block() {
    std::uint64_t c[4] = {++counter_, index_, second_, third_}, k0 = key_[0], k1 = key_[1];
    for (int round = 0; round < 10; ++round) {
      std::uint64_t low0, low1;
      const std::uint64_t high0 = multiply_high(0xD2E7470EE14C6C93u, c[0], low0);
      const std::uint64_t high1 = multiply_high(0xCA5A826395121157u, c[2], low1);
      c[0] = high1 ^ c[1] ^ k0, c[1] = low1, c[2] = high0 ^ c[3] ^ k1, c[3] = low0;
      k0 += 0x9E3779B97F4A7C15u, k1 += 0xBB67AE8584CAA73Bu;
    }
    for (int i = 0; i < 4; ++i) out_[i] = c[i];
  }

  std::uint64_t key_[2], index_, second_, third_, counter_, out_[4] = {};
  int place_ = 8;
};

// The order of n rows in an epoch: Fisher–Yates, from the last place to the first.
inline void permutation(std::uint64_t seed, std::uint64_t epoch, std::int64_t n, std::int64_t* order) {
  Words words(seed, PURPOSE_SHUFFLE, epoch);
  for (std::int64_t i = 0; i < n; ++i) order[i] = i;
  for (std::int64_t i = n - 1; i > 0; --i) {
    const std::int64_t j = std::int64_t((std::uint64_t(words.next()) * std::uint64_t(i + 1)) >> 32);
    const std::int64_t kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

}  // namespace glassnet::GLASSNET_LEVEL

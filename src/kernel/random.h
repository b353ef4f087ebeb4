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

// What random numbers are for, and which of them: seed, purpose, index. Blocks of four words of 64 bits are counted
// from 0.
struct Address {
  std::uint64_t seed, purpose, index, second = 0, third = 0;

  void block(std::uint64_t number, std::uint64_t (&out)[4]) const {
    std::uint64_t c[4] = {number + 1, index, second, third}, k0 = seed, k1 = purpose;
    for (int round = 0; round < 10; ++round) {
      std::uint64_t low0, low1;
      const std::uint64_t high0 = multiply_high(0xD2E7470EE14C6C93u, c[0], low0);
      const std::uint64_t high1 = multiply_high(0xCA5A826395121157u, c[2], low1);
      c[0] = high1 ^ c[1] ^ k0, c[1] = low1, c[2] = high0 ^ c[3] ^ k1, c[3] = low0;
      k0 += 0x9E3779B97F4A7C15u, k1 += 0xBB67AE8584CAA73Bu;
    }
    for (int i = 0; i < 4; ++i) out[i] = c[i];
  }
};

// The order of n rows in an epoch: Fisher–Yates, from the last place to the first, with a word of 32 bits for each.
inline void permutation(std::uint64_t seed, std::uint64_t epoch, std::int64_t n, std::int64_t* order) {
  const Address address{seed, PURPOSE_SHUFFLE, epoch};
  for (std::int64_t i = 0; i < n; ++i) order[i] = i;
  std::uint64_t block = 0, words[4];
  for (std::int64_t i = n - 1; i > 0;) {
    address.block(block++, words);
    for (int w = 0; w < 8 && i > 0; ++w, --i) {
      const std::uint64_t word = words[w / 2] >> (w % 2 * 32) & 0xffffffffu;
      const std::int64_t j = std::int64_t(word * std::uint64_t(i + 1) >> 32), kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
  }
}

// `count` draws of 16 bits, those from number `first` on; a block has sixteen. `to` has room for 32 more.
inline const std::uint16_t* draws(const Address& address, std::uint64_t first, std::int64_t count, std::uint16_t* to) {
  const std::uint64_t begin = first / 16;
  for (std::uint64_t b = begin; b * 16 < first + std::uint64_t(count); ++b) {
    std::uint64_t words[4];
    address.block(b, words);
    for (int i = 0; i < 16; ++i) to[(b - begin) * 16 + i] = std::uint16_t(words[i / 4] >> i % 4 * 16);
  }
  return to + first % 16;
}

}  // namespace glassnet::GLASSNET_LEVEL

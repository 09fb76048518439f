/*
 * Gumbel noise for vocabulary ids, from Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
 * 3"). Key: the 64-bit seed, low word first. Counter: (id / 4, position, sequence low, sequence high); id takes word
 * id % 4 of the output, x. Then, in exact arithmetic,
 *
 *   u = ((x >> 8) + 0.5) 2^-24,    g = -ln(-ln u),    -2.86 < g < 17.33.
 *
 * u needs 25 bits near 1, which fp32 does not have: there ln u is taken of 1 - u, which is exact.
 */
#pragma once
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

constexpr float GUMBEL_MAX = 17.34f; // above -ln(-ln(1 - 2^-25)) = 17.3287

/* The order of the counters: lane 4 k + r of the words is made from counter (W / 4) r + k, the even lanes first. */
struct CounterOrder {
    alignas(64) uint64_t of[2][W / 2];
    constexpr CounterOrder() : of() {
        for (int i = 0; i < W; i++) of[i % 2][i / 2] = W / 4 * (i % 4) + i / 4;
    }
};

struct Philox {
    uint32_t key[2], position, sequence[2];

    Philox(uint64_t seed, int64_t sequence, int32_t position)
        : key{(uint32_t)seed, (uint32_t)(seed >> 32)}, position((uint32_t)position),
          sequence{(uint32_t)sequence, (uint32_t)((uint64_t)sequence >> 32)} {}

    /*
     * Words for the ids first_id .. first_id + 4 W - 1, in order; first_id is a multiple of 4. The state is kept in
     * 64-bit lanes, of which the multiplier reads and the rounds use the low half: what else is in them does no harm.
     */
    void words(int64_t first_id, vu x[4]) const {
        static constexpr CounterOrder order;
        vq even[4], odd[4];
        start(order.of[0], first_id / 4, even);
        start(order.of[1], first_id / 4, odd);
        uint32_t k0 = key[0], k1 = key[1];
        for (int i = 0; i < 10; i++) {
            round(even, k0, k1);
            round(odd, k0, k1);
            k0 += 0x9e3779b9u;
            k1 += 0xbb67ae85u;
        }
        for (int k = 0; k < 4; k++) x[k] = (vu)((even[k] & 0xffffffffu) | odd[k] << 32);
        transpose_lanes(x); // sorts the words, thanks to the counters' order
    }

  private:
    void start(const uint64_t number[], int64_t first, vq x[4]) const {
        __builtin_memcpy(&x[0], number, sizeof x[0]);
        x[0] += (uint64_t)first;
        x[1] = vq{} + position;
        x[2] = vq{} + sequence[0];
        x[3] = vq{} + sequence[1];
    }
    static void round(vq x[4], uint32_t k0, uint32_t k1) {
        vq a = multiply_low(x[0], vq{} + 0xd2511f53u), b = multiply_low(x[2], vq{} + 0xcd9e8d57u);
        x[0] = (b >> 32) ^ x[1] ^ k0;
        x[1] = b;
        x[2] = (a >> 32) ^ x[3] ^ k1;
        x[3] = a;
    }
};

inline vf uniform(vu word) { return fma(to_float((vi)(word >> 8)), set1(0x1p-24f), set1(0x1p-25f)); }
/* 1 - u, exact up to 1/2. */
inline vf one_minus_uniform(vu word) { return uniform(~word); }

inline vf gumbel(vu word) {
    vf u = uniform(word), n, f;
    split_exponent(u, n, f);
    f = select(less(u, set1(0.70710677f)), f, -one_minus_uniform(word)); // n is 0 from there on
    return -log_normal(-log_of_split(n, f));
}

/*
 * Not below x + gumbel(word), by a few operations: -ln u >= 1 - u, and log2 of a float is at least its bits read as a
 * fixed-point number.
 */
inline vf add_gumbel_bound(vf x, vu word) {
    vf log2_bits = to_float(as_int(one_minus_uniform(word)));
    return fma(log2_bits, set1(-0.693147f * 0x1p-23f), x + set1(127 * 0.693148f + 1e-3f));
}

} // namespace intuitor::INTUITOR_ISA

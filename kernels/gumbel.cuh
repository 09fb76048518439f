/*
 * Gumbel noise for vocabulary ids, from Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
 * 3"). Key: the 64-bit seed, low word first. Counter: (id / 4, position, sequence low, sequence high); id takes word
 * id % 4 of the output, x. Then, in exact arithmetic,
 *
 *   u = ((x >> 8) + 0.5) 2^-24,    g = -ln(-ln u),    -2.86 < g < 17.33.
 */
#pragma once
#include "common.cuh"

namespace intuitor::cuda {

constexpr float GUMBEL_MAX = 17.34f; // above -ln(-ln(1 - 2^-25)) = 17.3287

struct Philox {
    uint32_t key[2], position, sequence[2];

    __device__ __forceinline__ Philox(uint64_t seed, int64_t sequence, int32_t position)
        : key{(uint32_t)seed, (uint32_t)(seed >> 32)}, position((uint32_t)position),
          sequence{(uint32_t)sequence, (uint32_t)((uint64_t)sequence >> 32)} {}

    /* The words of ids 4 quad .. 4 quad + 3. */
    __device__ __forceinline__ void words(uint32_t quad, uint32_t (&x)[4]) const {
        constexpr uint32_t A = 0xd2511f53u, B = 0xcd9e8d57u;
        x[0] = quad;
        x[1] = position;
        x[2] = sequence[0];
        x[3] = sequence[1];
        uint32_t k0 = key[0], k1 = key[1];
#pragma unroll
        for (int i = 0; i < 10; i++) {
            const WideProduct a = multiply_wide(A, x[0]), b = multiply_wide(B, x[2]);
            x[0] = b.high ^ x[1] ^ k0;
            x[1] = b.low;
            x[2] = a.high ^ x[3] ^ k1;
            x[3] = a.low;
            k0 += 0x9e3779b9u;
            k1 += 0xbb67ae85u;
        }
    }
};

__device__ __forceinline__ float uniform(uint32_t word) { return fmaf((float)(word >> 8), 0x1p-24f, 0x1p-25f); }

/* u needs 25 bits near 1, which fp32 does not have: there ln u is taken of 1 - u, which is exact up to 1/2. */
__device__ __forceinline__ float gumbel(uint32_t word) {
    float u = uniform(word);
    float minus_log = u < 0.70710677f ? -logf(u) : -log1pf(-uniform(~word));
    return -logf(minus_log);
}

/*
 * gumbel(word) / ln 2 + log2(ln 2), what is added to logits in powers of two: -log2(-log2 u), by two of the hardware's
 * logarithms. For u near 1, which their absolute error of 2^-22 is too much for, -log2(1 - v) = v P(v), v = 1 - u <=
 * 1/8, with the polynomial of the least relative error, 5.1e-7. In all within 6e-6 of it.
 */
__device__ __forceinline__ float gumbel_log2(uint32_t word) {
    const bool near_one = word >= 0xe0000000u;
    const float x = uniform(near_one ? ~word : word);
    float series = fmaf(fmaf(fmaf(-0.44489262f, x, -0.47398698f), x, -0.7215245f), x, -1.4426943f) * x;
    return -fast_log2(-select(near_one, series, fast_log2(x)));
}

/* Not below gumbel(word), by one rough logarithm: -ln u >= 1 - u. */
__device__ __forceinline__ float gumbel_bound(uint32_t word) { return 1e-3f - __logf(uniform(~word)); }

} // namespace intuitor::cuda

/*
 * Top-k, top-p and min-p as one threshold on the logits of a row, ties kept; by a block.
 *
 * The threshold of top-k is the k-th largest logit; that of top-p (nucleus sampling, Holtzman et al. 2020) the largest
 * one whose tokens, with all larger ones, have the probability p. Both are a radix select, with weight 1 or 2^(c z):
 * passes over the row, which stays in the L2 cache, that each settle up to 11 bits of the answer by a histogram.
 * Weights are fixed-point numbers, so that atomic additions give the same bits in any order.
 */
#pragma once
#include "common.cuh"

namespace intuitor::cuda {

/* Order-preserving: a < b as floats if and only if key(a) < key(b); -0 counts as 0. */
__device__ __forceinline__ uint32_t float_key(float a) {
    uint32_t bits = __float_as_uint(a + 0.0f);
    return bits ^ ((uint32_t)((int32_t)bits >> 31) | 0x80000000u);
}
__device__ __forceinline__ float key_float(uint32_t key) {
    return __uint_as_float(key >> 31 ? key & 0x7fffffffu : ~key);
}

constexpr int FILTER_BINS = 2048;

/* 64-bit sums in two halves: shared memory adds 32 bits at a time. */
struct Histogram {
    uint32_t low[FILTER_BINS], high[FILTER_BINS];
    uint64_t above; // the weight of the bins beyond the one found
    int bin;
    double target;

    __device__ __forceinline__ void add(int at, uint64_t weight) {
        uint32_t part = (uint32_t)weight, before = atomicAdd(&low[at], part);
        uint32_t carry = before + part < before, rest = (uint32_t)(weight >> 32) + carry;
        if (rest) atomicAdd(&high[at], rest);
    }
    __device__ __forceinline__ uint64_t weight(int at) const { return (uint64_t)high[at] << 32 | low[at]; }
};

struct UnitWeight {
    __device__ __forceinline__ uint64_t operator()(float) const { return 1; }
};
/* Probabilities as multiples of 2^-40 of the largest one. */
struct ProbabilityWeight {
    float maximum, c;
    __device__ __forceinline__ uint64_t operator()(float z) const {
        return (uint64_t)(fast_exp2((z - maximum) * c) * 0x1p40f);
    }
};

/* f(z[i]) for all i < n, by the threads of a block. */
template <int THREADS, bool ALIGNED, class T, class F>
__device__ __forceinline__ void each_logit(const T *z, int n, F f) {
    constexpr int N = VECTOR<T>;
    int whole = n / N * N;
#pragma unroll 2
    for (int i = threadIdx.x * N; i < whole; i += THREADS * N) {
        float x[N];
        load_vector<ALIGNED>(x, z + i);
#pragma unroll
        for (int j = 0; j < N; j++) f(x[j]);
    }
    if (whole + (int)threadIdx.x < n) f(to_float(z[whole + threadIdx.x]));
}

/*
 * Of `bins` bins the highest one that, with all above it, brings h.above to the target, by a warp: h.bin, or -1, and
 * h.above without that bin. `share`: the target is this part of all bins' weight.
 */
__device__ __forceinline__ void find_bin(Histogram &h, int bins, double amount, bool share) {
    const int lane = threadIdx.x % WARP, each = bins / WARP, top = bins - 1 - lane * each;
    uint64_t own = 0;
    for (int i = 0; i < each; i++) own += h.weight(top - (i + lane) % each); // each lane in a bank of its own
    uint64_t through = own; // this lane's bins and all higher ones
#pragma unroll
    for (int distance = 1; distance < WARP; distance *= 2) {
        uint64_t other = __shfl_up_sync(FULL_WARP, through, distance);
        through += lane >= distance ? other : 0;
    }
    uint64_t all = __shfl_sync(FULL_WARP, through, WARP - 1), above = h.above;
    double target = share ? amount * (double)all : h.target;
    unsigned reached = __ballot_sync(FULL_WARP, (double)(above + through) >= target);
    __syncwarp(); // all have read h.above
    if (!reached) {
        if (lane == 0) h.bin = -1;
    } else if (lane == __ffs((int)reached) - 1) {
        above += through - own;
        int bin = top;
        while (bin > top - each + 1 && (double)(above + h.weight(bin)) < target) above += h.weight(bin--);
        h.bin = bin;
        h.above = above;
        h.target = target;
    }
}

/*
 * The largest t for which the logits z >= t of z[0..n) weigh at least `target`, of those that are >= floor; floor where
 * all of them together do not. The target is `amount`, or this share of what all of them weigh.
 */
template <int THREADS, bool ALIGNED, class T, class Weight>
__device__ float weighted_select(Histogram &h, const T *z, int n, float floor, Weight weight, double amount,
                                 bool share) {
    constexpr bool NARROW = std::is_same_v<T, bf16>; // the lower half of a bf16's key follows from its sign
    constexpr int PASSES = NARROW ? 2 : 3;
    constexpr int SHIFTS[3] = {21, NARROW ? 16 : 10, 0}, BINS[3] = {2048, NARROW ? 32 : 2048, 1024};
    uint32_t prefix = 0, settled = 0; // the answer's key, and which bits of it are known
#pragma unroll
    for (int pass = 0; pass < PASSES; pass++) {
        const int shift = SHIFTS[pass], bins = BINS[pass];
        __syncthreads(); // the pass before may still be read
        for (int i = threadIdx.x; i < bins; i += THREADS) h.low[i] = h.high[i] = 0;
        if (pass == 0 && threadIdx.x == 0) {
            h.above = 0;
            h.target = amount;
        }
        __syncthreads();
        each_logit<THREADS, ALIGNED>(z, n, [&](float x) {
            uint32_t key = float_key(x);
            if (!(x >= floor) || (key & settled) != prefix) return;
            uint64_t w = weight(x);
            if (w) h.add((int)(key >> shift & (uint32_t)(bins - 1)), w);
        });
        __syncthreads();
        if (threadIdx.x < WARP) find_bin(h, bins, amount, share && pass == 0);
        __syncthreads();
        if (h.bin < 0) return floor;
        prefix |= (uint32_t)h.bin << shift;
        settled |= (uint32_t)(bins - 1) << shift;
    }
    if (NARROW && !(prefix >> 31)) prefix |= 0xffffu;
    return key_float(prefix);
}

/* Tokens of z[0..n) with a logit below this are not drawn. maximum: the largest of these logits. min_p_distance: what
   temperature * ln(min_p) is, where min_p is asked for. */
template <int THREADS, bool ALIGNED, class T>
__device__ float token_threshold(Histogram &h, const T *z, int n, float maximum, const it_sampling &sampling,
                                 double min_p_distance) {
    float threshold = -INFINITY;
    if (!(maximum > threshold)) return threshold;
    if (sampling.top_k > 0 && sampling.top_k < n) {
        threshold = weighted_select<THREADS, ALIGNED>(h, z, n, threshold, UnitWeight{}, sampling.top_k, false);
    }
    if (sampling.top_p < 1) {
        ProbabilityWeight weight = {maximum, (float)(LOG2_E / sampling.temperature)};
        threshold = weighted_select<THREADS, ALIGNED>(h, z, n, threshold, weight, sampling.top_p, true);
    }
    if (sampling.min_p > 0) {
        double least = maximum + min_p_distance;
        float rounded = (float)least;
        if (rounded < least) rounded = nextafterf(rounded, maximum);
        threshold = fmaxf(threshold, rounded);
    }
    return threshold;
}

} // namespace intuitor::cuda

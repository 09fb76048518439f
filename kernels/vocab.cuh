/*
 * One pass over rows of logits z [N, V]: the sums that logsumexp, entropy and self-certainty are made of, and the
 * maximum. With c = log2(e) / temperature and t_j = c z_j - shift (a fused multiply-add: large logits lose nothing):
 *
 *   sum = sum_j 2^t_j     weighted = sum_j 2^t_j t_j     total = sum_j t_j
 *
 * A row is cut into strips of VOCAB_STRIP columns, a warp each; strips and who adds what in them depend on the column
 * alone, so a row gives the same bits wherever it lies and however many there are. A lane takes its logits in batches
 * of four 16-byte loads and keeps a shift of its own (online softmax, Milakov & Gimelshein 2018), which moves only when
 * a batch's maximum is beyond it by more than LAZY bits: with so lazy a rescaling (FlashAttention-4) it nearly never
 * does, and a shift that is a whole number makes rescaling exact. docs/kernels/self-certainty.md counts instructions.
 */
#pragma once
#include <cfloat>
#include <cmath>

#include "common.cuh"

namespace intuitor::cuda {

constexpr int VOCAB_STRIP = 8192;
static_assert(IT_VOCAB_SEGMENT % VOCAB_STRIP == 0);
constexpr int VOCAB_VECTORS = 4; // 16-byte loads in flight, a lane
constexpr int VOCAB_THREADS = 128;
constexpr int VOCAB_WARPS = VOCAB_THREADS / WARP;
/* Blocks of sum_strips on a multiprocessor; 12 leave 40 registers a thread. */
template <bool ALIGNED, bool TWO> constexpr int VOCAB_BLOCKS = ALIGNED && !TWO ? 12 : 8;
/* What a warp loads at once. */
template <class T> constexpr int VOCAB_BATCH = VOCAB_VECTORS * WARP * VECTOR<T>;

constexpr float NO_SHIFT = -0x1p100f; // of sums without a finite logit: below any other
constexpr float LAZY = 8;

constexpr int64_t vocab_strips(int64_t V) { return ceil_div(V, VOCAB_STRIP); }

/* 2^x for a whole x <= 0, exact; subnormal results are 0. */
__device__ __forceinline__ float exp2_whole(float x) {
    return x < -126 ? 0.0f : __int_as_float(((int)x + 127) << 23);
}

/* Sums at one temperature. */
template <class F> struct Moments {
    float shift;
    F sum, weighted;

    /* `to` is not below the shift. */
    __device__ __forceinline__ void move(float to) {
        F distance = shift - to, scale = exp2_whole(shift - to);
        weighted = (weighted + sum * distance) * scale;
        sum *= scale;
        shift = to;
    }
};

/* What a strip, or a row, comes to. */
template <class F> struct VocabSums {
    Moments<F> main, certainty; // at `temperature` and, where that differs, at `certainty_temperature`
    float highest;              // the largest logit of a column below `limit`
    int32_t first;              // where the batch begins that has it first
    double total;               // sum of c z_j, with the c of the certainty temperature
};

struct LargerThenFirst {
    template <class Sums> __device__ __forceinline__ static void take(Sums &a, float highest, int32_t first) {
        if (highest > a.highest || (highest == a.highest && first < a.first)) {
            a.highest = highest;
            a.first = first;
        }
    }
};

/* Adds the warp's sums up, in every lane. */
template <class F> __device__ __forceinline__ void warp_add(Moments<F> &m) {
    m.move(warp_reduce(m.shift, Max()));
    m.sum = warp_reduce(m.sum, Sum());
    m.weighted = warp_reduce(m.weighted, Sum());
}
template <bool TWO, class F> __device__ __forceinline__ void warp_add(VocabSums<F> &s) {
    warp_add(s.main);
    if (TWO) warp_add(s.certainty);
    s.total = warp_reduce(s.total, Sum());
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        float highest = __shfl_xor_sync(FULL_WARP, s.highest, distance);
        int32_t first = __shfl_xor_sync(FULL_WARP, s.first, distance);
        LargerThenFirst::take(s, highest, first);
    }
}

/* --- a lane's share of a batch ------------------------------------------------------------------------------------ */

/* Where vector v of this lane begins in a batch. */
template <class T> __device__ __forceinline__ int vector_offset(int v) {
    return (v * WARP + threadIdx.x % WARP) * VECTOR<T>;
}

/* This lane's vectors of the whole batch that begins at z. */
template <class T, bool ALIGNED> struct VocabBatch {
    uint4 bits[VOCAB_VECTORS];

    __device__ __forceinline__ explicit VocabBatch(const T *z) {
#pragma unroll
        for (int v = 0; v < VOCAB_VECTORS; v++) {
            const T *p = z + vector_offset<T>(v);
            if constexpr (ALIGNED) {
                bits[v] = *(const uint4 *)p;
            } else {
                T raw[VECTOR<T>];
#pragma unroll
                for (int j = 0; j < VECTOR<T>; j++) raw[j] = p[j];
                memcpy(&bits[v], raw, sizeof raw);
            }
        }
    }

    /* f(z, column within the batch), in order of the columns. */
    template <class F> __device__ __forceinline__ void each(F f) const {
#pragma unroll
        for (int v = 0; v < VOCAB_VECTORS; v++) {
            const uint32_t words[4] = {bits[v].x, bits[v].y, bits[v].z, bits[v].w};
#pragma unroll
            for (int k = 0; k < 4; k++) {
                if constexpr (std::is_same_v<T, bf16>) {
                    f(__uint_as_float(words[k] << 16), vector_offset<T>(v) + 2 * k);
                    f(__uint_as_float(words[k] & 0xffff0000u), vector_offset<T>(v) + 2 * k + 1);
                } else {
                    f(__uint_as_float(words[k]), vector_offset<T>(v) + k);
                }
            }
        }
    }

    /* The largest of the four logits of quad q of vector v, NaN ignored. */
    __device__ __forceinline__ float quad_max(int v, int q) const {
        const uint32_t words[4] = {bits[v].x, bits[v].y, bits[v].z, bits[v].w};
        if constexpr (std::is_same_v<T, bf16>) {
            uint32_t m = max_bf16x2(words[2 * q], words[2 * q + 1]);
            return fmaxf(__uint_as_float(m << 16), __uint_as_float(m & 0xffff0000u));
        } else {
            float low = fmaxf(__uint_as_float(words[0]), __uint_as_float(words[1]));
            return fmaxf(low, fmaxf(__uint_as_float(words[2]), __uint_as_float(words[3])));
        }
    }

    /* The largest logit, NaN ignored: NaN where there is nothing else. */
    __device__ __forceinline__ float max() const {
        if constexpr (std::is_same_v<T, bf16>) { // two at a time
            uint32_t m = bits[0].x;
#pragma unroll
            for (int v = 0; v < VOCAB_VECTORS; v++) {
                if (v > 0) m = max_bf16x2(m, bits[v].x);
                m = max_bf16x2(m, bits[v].y);
                m = max_bf16x2(m, bits[v].z);
                m = max_bf16x2(m, bits[v].w);
            }
            return fmaxf(__uint_as_float(m << 16), __uint_as_float(m & 0xffff0000u));
        } else {
            float m = __uint_as_float(bits[0].x);
            each([&](float z, int) { m = fmaxf(m, z); });
            return m;
        }
    }
};

/* The same columns one by one from memory, of those below `size`: for what happens seldom, in few registers. */
template <class T, class F> __device__ __forceinline__ void each_column(const T *z, int64_t size, F f) {
#pragma unroll 1
    for (int k = 0; k < VOCAB_VECTORS * VECTOR<T>; k++) {
        int column = vector_offset<T>(k / VECTOR<T>) + k % VECTOR<T>;
        if (column < size) f(to_float(z[column]), column);
    }
}
template <class T> __device__ __forceinline__ float max_of_columns(const T *z, int64_t size) {
    float m = -INFINITY;
    each_column(z, size, [&](float x, int) { m = fmaxf(m, x); });
    return m;
}

/* --- a strip ------------------------------------------------------------------------------------------------------ */

/* One lane's sums over the batches that it is given, in order. TWO: the certainty temperature is not the main one. */
template <class T, bool ALIGNED, bool TWO> struct LaneSums {
    const float c, certainty_c;
    Moments<float> main = {NO_SHIFT, 0, 0}, certainty = {NO_SHIFT, 0, 0};
    float total = 0; // of t, relative to the certainty's shift
    int counted = 0; // logits in the total
    float highest = -INFINITY;
    int32_t first = 0;

    __device__ __forceinline__ LaneSums(float c, float certainty_c) : c(c), certainty_c(certainty_c) {}

    /* A whole batch of columns from `at` on, at z. */
    __device__ __forceinline__ void add(const T *z, int64_t at, int64_t limit) {
        VocabBatch<T, ALIGNED> batch(z);
        float batch_max = batch.max();
        reach(batch_max);
        float sum = 0, weighted = 0, certainty_sum = 0, t_sum = 0;
        batch.each([&](float x, int) {
            float t = fmaf(x, c, -main.shift), p = fast_exp2(t);
            sum += p;
            weighted = fmaf(p, t, weighted);
            if (TWO) {
                t = fmaf(x, certainty_c, -certainty.shift);
                certainty_sum += fast_exp2(t);
            }
            t_sum += t;
        });
        if (weighted != weighted) weighted = careful_weighted(z, VOCAB_BATCH<T>);
        main.sum += sum;
        main.weighted += weighted;
        if (TWO) certainty.sum += certainty_sum;
        total += t_sum;
        counted += VOCAB_VECTORS * VECTOR<T>;
        if (at + VOCAB_BATCH<T> > limit) batch_max = max_of_columns(z, limit - at);
        offer(batch_max, at);
    }

    /* The last columns of a row, fewer than a batch. */
    __device__ __forceinline__ void add_rest(const T *z, int size, int64_t at, int64_t limit) {
        reach(max_of_columns(z, size));
        main.weighted += careful_weighted(z, size);
        each_column(z, size, [&](float x, int) {
            float t = fmaf(x, c, -main.shift);
            main.sum += fast_exp2(t);
            if (TWO) {
                t = fmaf(x, certainty_c, -certainty.shift);
                certainty.sum += fast_exp2(t);
            }
            total += t;
            counted++;
        });
        offer(max_of_columns(z, min((int64_t)size, limit - at)), at);
    }

    __device__ __forceinline__ VocabSums<float> result() const {
        float shift = TWO ? certainty.shift : main.shift;
        return {main, certainty, highest, first, counted ? (double)total + (double)counted * shift : 0};
    }

private:
    /* Makes room for logits up to z. */
    __device__ __forceinline__ void reach(float z) {
        float beyond = fmaf(c, z, -main.shift);
        if (TWO) beyond = fmaxf(beyond, fmaf(certainty_c, z, -certainty.shift));
        if (!(beyond > LAZY) || z == INFINITY) return;
        float before = TWO ? certainty.shift : main.shift;
        main.move(fmaxf(main.shift, rintf(c * z)));
        if (TWO) certainty.move(fmaxf(certainty.shift, rintf(certainty_c * z)));
        // a product of whole numbers; the first time there is nothing to correct, or the total is -inf
        total += (float)counted * (before - (TWO ? certainty.shift : main.shift));
    }

    /* With 0 for 0 * -inf. */
    __device__ __forceinline__ float careful_weighted(const T *z, int size) const {
        float weighted = 0;
        each_column(z, size, [&](float x, int) {
            float t = fmaf(x, c, -main.shift), p = fast_exp2(t);
            if (p > 0) weighted = fmaf(p, t, weighted);
        });
        return weighted;
    }

    __device__ __forceinline__ void offer(float batch_max, int64_t at) {
        if (batch_max > highest) {
            highest = batch_max;
            first = (int32_t)at;
        }
    }
};

/* The sums over columns [begin, end) of the row z, by a warp, in every lane. */
template <class T, bool ALIGNED, bool TWO>
__device__ __forceinline__ VocabSums<float> sum_strip(const T *z, int64_t begin, int64_t end, int64_t limit, float c,
                                                      float certainty_c) {
    LaneSums<T, ALIGNED, TWO> sums(c, certainty_c);
    int64_t at = begin;
#pragma unroll 1
    for (; at + VOCAB_BATCH<T> <= end; at += VOCAB_BATCH<T>) sums.add(z + at, at, limit);
    if (at < end) sums.add_rest(z + at, (int)(end - at), at, limit);
    VocabSums<float> result = sums.result();
    warp_add<TWO>(result);
    return result;
}

/* strips[n, s]: the sums of strip s of row n. */
template <class T, bool ALIGNED, bool TWO>
__global__ void __launch_bounds__(VOCAB_THREADS, (VOCAB_BLOCKS<ALIGNED, TWO>))
sum_strips(VocabSums<float> *strips, const T *logits, int64_t ld, int64_t V, int64_t limit, float c, float certainty_c,
           unsigned blocks_per_row) {
    unsigned row = blockIdx.x / blocks_per_row, count = (unsigned)vocab_strips(V);
    unsigned strip = (blockIdx.x % blocks_per_row * blockDim.x + threadIdx.x) / WARP;
    if (strip >= count) return;
    int64_t begin = (int64_t)strip * VOCAB_STRIP, end = min(begin + VOCAB_STRIP, V);
    auto sums = sum_strip<T, ALIGNED, TWO>(logits + row * ld, begin, end, limit, c, certainty_c);
    if (threadIdx.x % WARP == 0) strips[(int64_t)row * count + strip] = sums;
}

/* --- a row -------------------------------------------------------------------------------------------------------- */

/* What is known of a row so far; `first` is the column itself of the largest logit, 0 where all are -inf or NaN. */
struct VocabState {
    VocabSums<double> sums = {{NO_SHIFT, 0, 0}, {NO_SHIFT, 0, 0}, -INFINITY, 0, 0};
    float target_logit = NAN;
};
static_assert(sizeof(VocabState) == IT_VOCAB_STATE_BYTES);

/* Adds a strip's sums. The shifts are whole numbers, so that scaling is exact. */
__device__ __forceinline__ void add_strip(Moments<double> &to, const Moments<float> &strip) {
    Moments<double> wide = {strip.shift, strip.sum, strip.weighted};
    bool beyond = wide.shift > to.shift;
    Moments<double> high = beyond ? wide : to, low = beyond ? to : wide;
    low.move(high.shift);
    to = {high.shift, high.sum + low.sum, high.weighted + low.weighted};
}

/*
 * Adds a row's next strips, by a warp, the same in every lane; `highest` is the largest of their logits, in the batch
 * that begins at `batch`. They are added one by one: where a row is cut into several calls makes no difference.
 */
__device__ __forceinline__ void add_strips(VocabSums<double> &row, float &highest, int32_t &batch,
                                           const VocabSums<float> *strips, int count) {
    highest = -INFINITY;
    batch = 0;
#pragma unroll 2
    for (int s = 0; s < count; s++) {
        const VocabSums<float> strip = strips[s];
        add_strip(row.main, strip.main);
        add_strip(row.certainty, strip.certainty); // nothing, where it is the main one
        row.total += strip.total;
        if (strip.highest > highest) {
            highest = strip.highest;
            batch = strip.first;
        }
    }
}

/* The lowest column of the batch from `first` on that has the logit `highest`, of a row z [V], by a warp, in every
   lane. */
template <class T, bool ALIGNED>
__device__ __forceinline__ int32_t find_highest(const T *z, int64_t V, float highest, int32_t first) {
    int best = VOCAB_BATCH<T>;
    auto offer = [&](float x, int column) { best = x == highest && column < best ? column : best; };
    if (first + VOCAB_BATCH<T> <= V) {
        VocabBatch<T, ALIGNED>(z + first).each(offer);
    } else {
        each_column(z + first, V - first, offer);
    }
    return first + warp_reduce(best, [](int a, int b) { return min(a, b); });
}

/*
 * Adds columns first .. first + columns - 1 of a row, which lie at z, to what is known of it, from their strips; by a
 * warp, the same in every lane. The column of the largest logit only if it is asked for.
 */
template <class T, bool ALIGNED>
__device__ __forceinline__ void add_tile(VocabSums<double> &row, const VocabSums<float> *strips, const T *z,
                                         int64_t columns, int64_t first, bool argmax) {
    float highest;
    int32_t batch;
    add_strips(row, highest, batch, strips, (int)vocab_strips(columns));
    if (argmax && highest > row.highest) {
        row.highest = highest;
        row.first = (int32_t)first + find_highest<T, ALIGNED>(z, columns, highest, batch);
    }
}

/* The temperatures of a call. */
struct VocabScales {
    float c, certainty_c;
    double temperature, natural, certainty_natural; // from c z to z / temperature: c's rounding cancels
    bool two; // the temperatures differ

    VocabScales(float temperature, float certainty_temperature)
        : c((float)(LOG2_E / temperature)), certainty_c((float)(LOG2_E / certainty_temperature)),
          temperature(temperature), natural(1 / ((double)c * temperature)),
          certainty_natural(1 / ((double)certainty_c * certainty_temperature)),
          two(temperature != certainty_temperature) {}
};

/* What a call wants of each row, each optional; the definitions are the ABI's. */
struct VocabOutputs : VocabScales {
    float *lse, *logprob, *entropy, *self_certainty;
    double V, log_V;

    VocabOutputs(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, float temperature,
                 float certainty_temperature, int64_t V)
        : VocabScales(temperature, certainty_temperature), lse((float *)lse), logprob((float *)logprob),
          entropy((float *)entropy), self_certainty((float *)self_certainty), V((double)V),
          log_V(std::log((double)V)) {}

    /* Of row n; one thread. */
    __device__ __forceinline__ void write(int64_t n, const VocabSums<double> &row, float target_logit) const {
        double log2_sum = log2(row.main.sum), certainty_log2 = log2_sum + row.main.shift;
        double main_lse = certainty_log2 * natural;
        if (lse) lse[n] = (float)main_lse;
        if (logprob) logprob[n] = (float)(target_logit / temperature - main_lse);
        if (entropy) entropy[n] = (float)((log2_sum - row.main.weighted / row.main.sum) * LN_2);
        if (self_certainty) {
            if (two) certainty_log2 = log2(row.certainty.sum) + row.certainty.shift;
            self_certainty[n] = (float)((certainty_log2 - row.total / V) * certainty_natural - log_V);
        }
    }
};

/* The device memory that sum_strips fills. */
inline size_t strips_bytes(int64_t N, int64_t V) { return (size_t)(N * vocab_strips(V)) * sizeof(VocabSums<float>); }

template <class T, bool ALIGNED>
cudaError_t launch_sum_strips(VocabSums<float> *strips, const T *logits, int64_t ld, int64_t N, int64_t V,
                              int64_t limit, const VocabScales &scales, it_stream s) {
    unsigned blocks_per_row = (unsigned)ceil_div(vocab_strips(V), VOCAB_WARPS);
    int warps = (int)min(vocab_strips(V), (int64_t)VOCAB_WARPS);
    return launch(scales.two ? sum_strips<T, ALIGNED, true> : sum_strips<T, ALIGNED, false>,
                  dim3((unsigned)N * blocks_per_row), warps * WARP, 0, s, strips, logits, ld, V, limit, scales.c,
                  scales.certainty_c, blocks_per_row);
}

/* Sizes that the kernels of rows of logits take; else a status. */
inline int check_vocab(const char *function, int64_t N, int64_t V, int64_t ld) {
    if (N < 0 || V <= 0 || V > INT32_MAX || ld < V) {
        return fail(IT_INVALID, function, "sizes N %lld, V %lld, ld %lld", (long long)N, (long long)V, (long long)ld);
    }
    if (N > INT32_MAX / ceil_div(vocab_strips(V), VOCAB_WARPS)) {
        return fail(IT_INVALID, function, "N %lld rows of V %lld are too many for one launch: take them in parts",
                    (long long)N, (long long)V);
    }
    return IT_OK;
}

} // namespace intuitor::cuda

/*
 * What the fused LM head is made of (lm_head.cu, and the lab's steps): logits z = hidden W^T, hidden bf16 [N, H] and W
 * bf16 [V, H], and of each row what vocab_reduce gives, without the logits in memory.
 *
 * A row is cut into strips of HEAD_STRIP columns. One block takes a strip of HEAD_ROWS rows: it goes over the strip in
 * tiles, whose products stay in the tensor cores' accumulators, and each lane adds its logits of a row to sums of its
 * own (HeadSums: those of vocab.cuh). What a strip comes to is 40 bytes a row in memory; a last kernel adds strips in
 * fp64. Strips, tiles and who adds what depend on the column alone: a row gives the same bits in any batch.
 */
#pragma once
#include "vocab.cuh"

namespace intuitor::cuda {

/* --- strips ------------------------------------------------------------------------------------------------------- */

constexpr int HEAD_ROWS = 128;    // rows of a block
constexpr int HEAD_COLUMNS = 256; // columns of a tile
constexpr int HEAD_STRIP = 4096;  // a multiple of HEAD_COLUMNS

template <int STRIP = HEAD_STRIP> inline __host__ __device__ int head_strips(int V) { return (V + STRIP - 1) / STRIP; }
inline __host__ __device__ int head_row_blocks(int N) { return (N + HEAD_ROWS - 1) / HEAD_ROWS; }

/* --- a call ------------------------------------------------------------------------------------------------------- */

/* One call: everything is verified, and N > 0. */
struct Head {
    VocabOutputs outputs;
    int32_t *argmax; // optional
    const bf16 *hidden, *weight;
    const int32_t *targets; // null: no logprob
    int N, H, V;
};

/* --- pieces of work ----------------------------------------------------------------------------------------------- */

/*
 * The i-th piece of work, a strip of `together` blocks of rows. What is under way at the same time are some strips of
 * GROUP blocks of rows, so that the L2 cache holds both operands: 16 blocks of rows are 14 MB at H = 3584.
 */
template <int STRIP = HEAD_STRIP> struct HeadPiece {
    static constexpr int GROUP = 16;
    int row, strip; // the first row

    __device__ __forceinline__ HeadPiece(int i, const Head &head, int together = 1) {
        int blocks = (head_row_blocks(head.N) + together - 1) / together, strips = head_strips<STRIP>(head.V);
        int most = GROUP / together, group = i / (most * strips), rest = i - group * most * strips;
        int size = min(blocks - group * most, most);
        strip = rest / size;
        row = (group * most + rest % size) * together * HEAD_ROWS;
    }
    /* Columns of the strip: from `first` on, in so many tiles. */
    __device__ __forceinline__ int first() const { return strip * STRIP; }
    __device__ __forceinline__ int tiles(int V) const {
        return (min(V - first(), STRIP) + HEAD_COLUMNS - 1) / HEAD_COLUMNS;
    }
};

/* --- a row of the accumulators ------------------------------------------------------------------------------------ */

__device__ __forceinline__ void merge(Moments<float> &a, Moments<float> b) {
    float shift = fmaxf(a.shift, b.shift);
    a.move(shift);
    b.move(shift);
    a.sum += b.sum;
    a.weighted += b.weighted;
}
/* b into a. */
template <bool TWO = false> __device__ __forceinline__ void merge(VocabSums<float> &a, VocabSums<float> b) {
    merge(a.main, b.main);
    if (TWO) merge(a.certainty, b.certainty);
    a.total += b.total;
    LargerThenFirst::take(a, b.highest, b.first);
}

/*
 * f(z, columns after the first) for a lane's logits of J neighbouring products [16][8]: HALF 0 is row g, HALF 1 row
 * g + 8 of lane 4 g + t (PTX: the layout of D, of mma.m16n8k16 and of wgmma alike). Columns from `end` on do not count.
 * They are compared with constants, and not kept in registers.
 */
template <int HALF, int J, class F> __device__ __forceinline__ void each_logit(const float (&d)[J][4], int end, F f) {
#pragma unroll
    for (int j = 0; j < J; j++) {
#pragma unroll
        for (int e = 0; e < 2; e++) {
            if (8 * j + e < end) f(d[j][2 * HALF + e], 8 * j + e);
        }
    }
}

/* One lane's sums of one row. TWO: the certainty temperature is not the main one. Logits are finite: products of finite
   numbers. */
template <bool TWO = false> struct HeadSums {
    Moments<float> main = {NO_SHIFT, 0, 0};
    float certainty_shift = NO_SHIFT, certainty_sum = 0;
    float total = 0; // of t, relative to the certainty's shift

    /* Adds the logits that each(f) calls f with, as each_logit does. `largest`: of them; `before`: how many logits the
       lane has added. */
    template <class Each>
    __device__ __forceinline__ void add(Each each, float largest, const VocabScales &scales, int before) {
        const float c = scales.c, certainty_c = scales.certainty_c;
        reach(largest, c, certainty_c, before);
        float sum = 0, weighted = 0, other_sum = 0, t_sum = 0;
        each([&](float z, int) {
            float t = fmaf(c, z, -main.shift), p = fast_exp2(t);
            sum += p;
            weighted = fmaf(p, t, weighted);
            if (TWO) {
                t = fmaf(certainty_c, z, -certainty_shift);
                other_sum += fast_exp2(t);
            }
            t_sum += t;
        });
        main.sum += sum;
        main.weighted += weighted;
        if (TWO) certainty_sum += other_sum;
        total += t_sum;
    }

    /* The sums of the 4 lanes that have the row, in each of them, with the highest of their values `highest` and the
       lowest column of it; `counted`: logits of this lane. */
    __device__ __forceinline__ VocabSums<float> over_quad(int counted, float highest, int32_t first) const {
        double sum_of_t = counted ? (double)total + (double)counted * shift_of_total() : 0;
        VocabSums<float> all = {main, {certainty_shift, certainty_sum, 0}, highest, first, sum_of_t};
#pragma unroll
        for (int distance = 1; distance <= 2; distance *= 2) {
            VocabSums<float> other = all;
            auto from = [&](auto &x) { x = __shfl_xor_sync(FULL_WARP, x, distance); };
            from(other.main.shift);
            from(other.main.sum);
            from(other.main.weighted);
            if (TWO) {
                from(other.certainty.shift);
                from(other.certainty.sum);
            }
            from(other.highest);
            from(other.first);
            from(other.total);
            merge<TWO>(all, other);
        }
        return all;
    }

private:
    __device__ __forceinline__ float shift_of_total() const { return TWO ? certainty_shift : main.shift; }

    /* Makes room for logits up to z. */
    __device__ __forceinline__ void reach(float z, float c, float certainty_c, int before) {
        float beyond = fmaf(c, z, -main.shift);
        if (TWO) beyond = fmaxf(beyond, fmaf(certainty_c, z, -certainty_shift));
        if (!(beyond > LAZY)) return;
        float from = shift_of_total();
        main.move(fmaxf(main.shift, rintf(c * z)));
        if (TWO) {
            float to = fmaxf(certainty_shift, rintf(certainty_c * z));
            certainty_sum *= exp2_whole(certainty_shift - to);
            certainty_shift = to;
        }
        total += (float)before * (from - shift_of_total()); // the first time, nothing
    }
};

/* The same with the largest logit and its column, and the target's logit. */
template <bool TWO = false> struct HeadRow {
    HeadSums<TWO> sums;
    float highest = -INFINITY;
    int32_t first = 0; // column of the highest

    /* Adds this lane's logits; `column` is that of the first. END: columns from V on do not count. If the target of row
       n is among them, its logit is put where finish_head finds it. */
    template <bool END, int HALF, int J>
    __device__ __forceinline__ void add(const float (&d)[J][4], int column, const Head &head, int before, int n,
                                        float *target_logits) {
        const int end = END ? head.V - column : 8 * J;
        auto each = [&](auto f) { each_logit<HALF>(d, end, f); };
        float largest = -INFINITY;
        each([&](float z, int) { largest = fmaxf(largest, z); });
        sums.add(each, largest, head.outputs, before);
        if (largest > highest) { // seldom, after the first tiles
            highest = largest;
            int after = 8 * J;
            each([&](float z, int i) { after = z == largest ? min(after, i) : after; });
            first = column + after;
        }
        // read late: registers are few
        const int sought = (head.targets && n < head.N ? head.targets[n] : -1) - column;
        if ((unsigned)sought < 8 * J && sought % 8 < 2) {
            float z_target = 0;
            each([&](float z, int i) { z_target = i == sought ? z : z_target; });
            target_logits[n] = z_target;
        }
    }

    __device__ __forceinline__ VocabSums<float> over_quad(int counted) const {
        return sums.over_quad(counted, highest, first);
    }
};

/* How many of the J pairs of columns from `column` on, each 8 after the other, are below V. */
template <int J> __device__ __forceinline__ int columns_below(int column, int V) {
    int count = 0;
#pragma unroll
    for (int j = 0; j < J; j++) count += min(max(V - column - 8 * j, 0), 2);
    return count;
}

/* --- the host's side ---------------------------------------------------------------------------------------------- */

/* What the fused kernels leave in memory: sums [N, strips], logits of the targets [N]. */
inline size_t head_bytes(const Head &head) {
    return (size_t)head.N * (head_strips(head.V) * sizeof(VocabSums<float>) + sizeof(float));
}

/* The outputs from that. */
int finish_head(const char *function, const Head &head, const VocabSums<float> *strips, const float *target_logits,
                it_stream s);

/* Sizes that a fused head takes; else a status. */
template <int STRIP = HEAD_STRIP> int check_head(const char *function, int64_t N, int64_t H, int64_t V) {
    if (N < 0 || H <= 0 || V <= 0 || N > 1 << 30 || H > 1 << 30 || V > 1 << 30) {
        return fail(IT_INVALID, function, "sizes N %lld, H %lld, V %lld", (long long)N, (long long)H, (long long)V);
    }
    // blocks go from piece to piece in steps of their number, and the last step is counted, too
    if ((int64_t)head_row_blocks((int)N) * head_strips<STRIP>((int)V) > INT32_MAX - UINT16_MAX) {
        return fail(IT_INVALID, function, "N %lld rows of V %lld are too many for one launch: take them in parts",
                    (long long)N, (long long)V);
    }
    return IT_OK;
}

/* Whether there is a fused head for this: else a status. */
inline int support_head(const char *function, it_addr hidden, it_addr weight, int64_t H, int32_t dtype) {
    if (!on_hopper()) return fail(IT_UNSUPPORTED, function, "this kernel is for compute capability 9.0");
    if (dtype != IT_BF16) return fail(IT_UNSUPPORTED, function, "dtype %d: this kernel is for bf16", dtype);
    if (!aligned<bf16>(H, hidden, weight)) {
        return fail(IT_UNSUPPORTED, function, "H %lld is no multiple of 8, or an address none of 16", (long long)H);
    }
    return IT_OK;
}

} // namespace intuitor::cuda

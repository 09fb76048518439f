/*
 * What the steps of the fused LM head share: logits z = hidden W^T, hidden bf16 [N, H] and W bf16 [V, H], and of each
 * row what vocab_reduce gives, without the logits in memory.
 *
 * A row is cut into strips of HEAD_STRIP columns. One block takes a strip of HEAD_ROWS rows: it goes over the strip in
 * tiles, whose products stay in the tensor cores' accumulators, and each lane adds its logits of a row to sums of its
 * own (HeadRow: those of ../vocab.cuh). What a strip comes to is 40 bytes a row in memory; a last kernel adds strips in
 * fp64. Strips, tiles and who adds what depend on the column alone: a row gives the same bits in any batch.
 */
#pragma once
#include "available.cuh"
#include "lab.cuh"

namespace intuitor::cuda::lab {

/* --- strips ------------------------------------------------------------------------------------------------------- */

constexpr int HEAD_ROWS = 128;    // rows of a block
constexpr int HEAD_COLUMNS = 256; // columns of a tile
constexpr int HEAD_STRIP = 4096;  // a multiple of HEAD_COLUMNS

inline __host__ __device__ int head_strips(int V) { return (V + HEAD_STRIP - 1) / HEAD_STRIP; }
inline __host__ __device__ int head_row_blocks(int N) { return (N + HEAD_ROWS - 1) / HEAD_ROWS; }

/* --- a call ------------------------------------------------------------------------------------------------------- */

/* One call: a step gets it with everything verified and N > 0. */
struct Head {
    VocabOutputs outputs;
    int32_t *argmax;
    const bf16 *hidden, *weight;
    const int32_t *targets;
    int N, H, V;
};

/* A step as the ABI has it: checks its arguments and calls STEP(head, stream). */
template <int (*STEP)(const Head &, it_stream)>
int run_head(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax, it_addr hidden,
             it_addr weight, it_addr targets, int64_t N, int64_t H, int64_t V, it_stream s) {
    if (N < 0 || H <= 0 || V <= 0 || N > 1 << 30 || H > 1 << 30 || V > 1 << 30) {
        return fail(IT_INVALID, "lab", "sizes N %lld, H %lld, V %lld", (long long)N, (long long)H, (long long)V);
    }
    if ((int64_t)head_row_blocks((int)N) * head_strips((int)V) > INT32_MAX) {
        return fail(IT_INVALID, "lab", "N %lld rows of V %lld are too many for one launch: take them in parts",
                    (long long)N, (long long)V);
    }
    if (!aligned<bf16>(H, hidden, weight)) {
        return fail(IT_INVALID, "lab", "rows of 16-byte blocks are needed: H a multiple of 8, addresses of 16");
    }
    if (N == 0) return IT_OK;
    if (!(lse && logprob && entropy && self_certainty && argmax && hidden && weight && targets)) {
        return fail(IT_INVALID, "lab", "null address");
    }
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, 1, 1, V);
    return STEP({outputs, (int32_t *)argmax, (const bf16 *)hidden, (const bf16 *)weight, (const int32_t *)targets,
                 (int)N, (int)H, (int)V}, s);
}

/* Makes a step known when the library is loaded. `available`: whether the device in use can run it. */
struct RegisterHead {
    RegisterHead(const char *name, const char *idea, decltype(it_lab_head::run) run, bool (*available)());
};

/* --- pieces of work ----------------------------------------------------------------------------------------------- */

/*
 * The i-th piece of work, a strip of `together` blocks of rows. What is under way at the same time are some strips of
 * GROUP blocks of rows, so that the L2 cache holds both operands: 16 blocks of rows are 14 MB at H = 3584.
 */
struct HeadPiece {
    static constexpr int GROUP = 16;
    int row, strip; // the first row

    __device__ __forceinline__ HeadPiece(int i, const Head &head, int together = 1) {
        int blocks = (head_row_blocks(head.N) + together - 1) / together, strips = head_strips(head.V);
        int most = GROUP / together, group = i / (most * strips), rest = i - group * most * strips;
        int size = min(blocks - group * most, most);
        strip = rest / size;
        row = (group * most + rest % size) * together * HEAD_ROWS;
    }
    /* Columns of the strip: from `first` on, in so many tiles. */
    __device__ __forceinline__ int first() const { return strip * HEAD_STRIP; }
    __device__ __forceinline__ int tiles(int V) const {
        return (min(V - first(), HEAD_STRIP) + HEAD_COLUMNS - 1) / HEAD_COLUMNS;
    }
};

/* --- a row of the accumulators ------------------------------------------------------------------------------------ */

/* b into a. */
__device__ __forceinline__ void merge(VocabSums<float> &a, VocabSums<float> b) {
    float shift = fmaxf(a.main.shift, b.main.shift);
    a.main.move(shift);
    b.main.move(shift);
    a.main.sum += b.main.sum;
    a.main.weighted += b.main.weighted;
    a.total += b.total;
    LargerThenFirst::take(a, b.highest, b.first);
}

/* One lane's sums of one row. Logits are finite: products of finite numbers. */
struct HeadRow {
    Moments<float> moments = {NO_SHIFT, 0, 0};
    float total = 0; // of t, relative to the shift
    float highest = -INFINITY;
    int32_t first = 0; // column of the highest

    /*
     * Adds this lane's logits of J neighbouring products [16][8]: HALF 0 is row g, HALF 1 row g + 8 of lane 4 g + t
     * (PTX: the layout of D, of mma.m16n8k16 and of wgmma alike); `column` is that of the first. END: columns from V
     * on do not count. `before`: how many logits the lane has added. The target's logit is put where finish_head
     * finds it.
     */
    template <bool END, int HALF, int J>
    __device__ __forceinline__ void add(const float (&d)[J][4], int column, int V, float c, int before, int target,
                                        float *target_logit) {
        const int end = V - column, sought = target - column;
        auto each = [&](auto f) { // f(z, columns after the first): compared with constants, not kept in registers
#pragma unroll
            for (int j = 0; j < J; j++) {
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    if (!END || 8 * j + e < end) f(d[j][2 * HALF + e], 8 * j + e);
                }
            }
        };
        float largest = -INFINITY;
        each([&](float z, int) { largest = fmaxf(largest, z); });
        if (fmaf(c, largest, -moments.shift) > LAZY) {
            float to = rintf(c * largest);
            total += (float)before * (moments.shift - to); // the first time, nothing
            moments.move(to);
        }
        float sum = 0, weighted = 0, t_sum = 0;
        each([&](float z, int) {
            float t = fmaf(c, z, -moments.shift), p = fast_exp2(t);
            sum += p;
            weighted = fmaf(p, t, weighted);
            t_sum += t;
        });
        moments.sum += sum;
        moments.weighted += weighted;
        total += t_sum;
        if (largest > highest) { // seldom, after the first tiles
            highest = largest;
            int after = 8 * J;
            each([&](float z, int i) { after = z == largest ? min(after, i) : after; });
            first = column + after;
        }
        if ((unsigned)sought < 8 * J && sought % 8 < 2) {
            float z_target = 0;
            each([&](float z, int i) { z_target = i == sought ? z : z_target; });
            *target_logit = z_target;
        }
    }

    /* The sums of the 4 lanes that have the row, in each of them; `counted`: logits of this lane. */
    __device__ __forceinline__ VocabSums<float> over_quad(int counted) const {
        double sum_of_t = counted ? (double)total + (double)counted * moments.shift : 0;
        VocabSums<float> all = {moments, {NO_SHIFT, 0, 0}, highest, first, sum_of_t};
#pragma unroll
        for (int distance = 1; distance <= 2; distance *= 2) {
            VocabSums<float> other = all;
            auto from = [&](auto &x) { x = __shfl_xor_sync(FULL_WARP, x, distance); };
            from(other.main.shift);
            from(other.main.sum);
            from(other.main.weighted);
            from(other.highest);
            from(other.first);
            from(other.total);
            merge(all, other);
        }
        return all;
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
int finish_head(const Head &head, const VocabSums<float> *strips, const float *target_logits, it_stream s);

} // namespace intuitor::cuda::lab

/*
 * The LM head fused with drawing from its logits: argmax_j (z_j / temperature + g_j), g the Gumbel noise of sample
 * (gumbel.cuh), with what lm_head_forward says about the token. Products are those of lm_head_wgmma.cuh.
 *
 * Noise costs more than a logit's sums, nearly half of it Philox: a call serves four neighbouring ids, of which a lane
 * has two, and its neighbour the others. So one of the pair calls it for row g, the other for row g + 8, and each gives
 * the other two words: a call for every four logits of a lane. The rest is in powers of two, c z - log2(-log2 u), three
 * operations of the special function unit a logit with the sums' exponential.
 *
 * Decoding has few rows, which one or two blocks hold: what there is to share is the vocabulary. A strip is therefore
 * one tile, 594 of them for V = 151936, and up to HEAD_ROWS rows go without clusters, whose second block would be
 * empty. Strips depend on the column alone, and so do the bits; clusters make no difference to them.
 */
#include "gumbel.cuh"
#include "lm_head_wgmma.cuh"
#include "sampling.cuh"

namespace intuitor::cuda {

namespace {

constexpr int DRAW_STRIP = HEAD_COLUMNS;

/* How a call draws. */
struct Drawing {
    const int64_t *sequence;
    const int32_t *position;
    uint64_t seed;
    float scale; // log2(e) / temperature; 0: the largest logit, without noise
    int32_t limit; // ids from here on are never drawn
};

/* What the first kernel leaves of each strip, [N, strips]: sums, in which `highest` and `first` are the best of its
   scores and its id, and the logit of that. */
struct DrawnStrips {
    VocabSums<float> *sums;
    float *logits;
    Drawing drawing;
};

/* The best of one lane's scores of one row; id 0 where none is above -inf, as in sample. */
struct Best {
    float score = -INFINITY, logit = -INFINITY;
    int32_t id = 0;

    __device__ __forceinline__ void offer(float z, float its_score, int32_t its_id, bool may_be) {
        if (may_be && its_score > score) { // the lowest of equal ones
            score = its_score;
            logit = z;
            id = its_id;
        }
    }
};

/* hopper::ReducedRows, for draws: a strip is one tile. */
template <bool TWO> class DrawnRows {
public:
    static constexpr int STRIP = DRAW_STRIP;
    static_assert(STRIP == HEAD_COLUMNS);
    using Output = DrawnStrips;

    __device__ __forceinline__ DrawnRows(const Head &head, const Output &output, int n)
        : head(head), output(output), n(n) {}

    template <int J> __device__ __forceinline__ void add(float (&d)[J][4], int column, bool whole, int) {
        if (n - (int)threadIdx.x % WARP / 4 >= head.N) return; // the warp has no rows
        auto add = [&](auto end) {
            add_sums<end.value, 0>(low, d, column);
            add_sums<end.value, 1>(high, d, column);
        };
        if (whole) {
            add(std::false_type());
        } else {
            add(std::true_type());
        }
        if (output.drawing.scale > 0) {
            draw<false>(d, column);
        } else {
            draw<true>(d, column);
        }
    }

    __device__ __forceinline__ void finish(int strip, int counted) {
        store(low, best_low, n, strip, counted);
        store(high, best_high, n + 8, strip, counted);
    }

private:
    template <bool END, int HALF, int J>
    __device__ __forceinline__ void add_sums(HeadSums<TWO> &sums, const float (&d)[J][4], int column) {
        const int end = END ? head.V - column : 8 * J;
        auto each = [&](auto f) { each_logit<HALF>(d, end, f); };
        float largest = -INFINITY;
        each([&](float z, int) { largest = fmaxf(largest, z); });
        sums.add(each, largest, head.outputs, 0);
    }

    /*
     * Scores of a tile's logits, which are lost. A few columns at a time, always in the same registers: all in one
     * piece would be 3600 instructions more, and the cache that a multiprocessor fetches them from holds 8000.
     */
    template <bool GREEDY, int J> __device__ __forceinline__ void draw(float (&d)[J][4], int column) {
        constexpr int TOGETHER = 8;
        static_assert(J % TOGETHER == 0);
        const Drawing &how = output.drawing;
        const int odd = threadIdx.x % 2, row = n + 8 * odd; // whose words this lane makes
        const bool exists = row < head.N;
        const Philox philox(how.seed, exists ? how.sequence[row] : 0, exists ? how.position[row] : 0);
#pragma unroll 1
        for (int first = 0; first < J; first += TOGETHER) {
#pragma unroll
            for (int j = 0; j < TOGETHER; j++) {
                uint32_t words[2][2] = {};
                if (!GREEDY) share(words, philox, (uint32_t)(column / 4 + 2 * j), odd);
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    const int id = column + 8 * j + e;
                    auto score = [&](float z, uint32_t word) {
                        return GREEDY ? z : fmaf(how.scale, z, gumbel_log2(word));
                    };
                    best_low.offer(d[j][e], score(d[j][e], words[0][e]), id, id < how.limit);
                    best_high.offer(d[j][2 + e], score(d[j][2 + e], words[1][e]), id, id < how.limit);
                }
            }
            column += 8 * TOGETHER;
#pragma unroll
            for (int j = 0; j < J - TOGETHER; j++) {
#pragma unroll
                for (int i = 0; i < 4; i++) d[j][i] = d[j + TOGETHER][i];
            }
        }
    }

    /* The words of this lane's two ids, in rows g and g + 8: the even lane of a pair has the first two of a quad. */
    __device__ __forceinline__ static void share(uint32_t (&words)[2][2], const Philox &philox, uint32_t quad,
                                                 int odd) {
        uint32_t x[4];
        philox.words(quad, x);
#pragma unroll
        for (int e = 0; e < 2; e++) {
            uint32_t own = odd ? x[2 + e] : x[e], others = odd ? x[e] : x[2 + e];
            uint32_t received = __shfl_xor_sync(FULL_WARP, others, 1);
            words[0][e] = odd ? received : own;
            words[1][e] = odd ? own : received;
        }
    }

    __device__ __forceinline__ void store(const HeadSums<TWO> &sums, const Best &best, int row, int strip,
                                          int counted) {
        VocabSums<float> all = sums.over_quad(counted, best.score, best.id);
        if (row >= head.N) return;
        const int64_t at = (int64_t)row * head_strips<STRIP>(head.V) + strip;
        if (threadIdx.x % 4 == 0) output.sums[at] = all;
        if (best.id == all.first && best.score == all.highest) output.logits[at] = best.logit; // the lane that has it
    }

    const Head &head;
    const Output &output;
    const int n;
    HeadSums<TWO> low, high;
    Best best_low, best_high;
};

/* A warp a row, a strip a lane; strips of a lane in order, then the lanes. */
__global__ void __launch_bounds__(VOCAB_THREADS)
finish_draw(int32_t *token, Head head, DrawnStrips strips) {
    const int n = blockIdx.x * VOCAB_WARPS + threadIdx.x / WARP, count = head_strips<DRAW_STRIP>(head.V);
    if (n >= head.N) return;
    VocabSums<double> row = VocabState().sums;
    for (int s = threadIdx.x % WARP; s < count; s += WARP) {
        const VocabSums<float> strip = strips.sums[(int64_t)n * count + s];
        add_strip(row.main, strip.main);
        add_strip(row.certainty, strip.certainty);
        row.total += strip.total;
        LargerThenFirst::take(row, strip.highest, strip.first);
    }
    warp_add<true>(row);
    if (threadIdx.x % WARP == 0) {
        token[n] = row.first;
        head.outputs.write(n, row, strips.logits[(int64_t)n * count + row.first / DRAW_STRIP]);
    }
}

template <int CLUSTER, bool TWO>
int draw(const char *function, int32_t *token, const Head &head, const Drawing &drawing, it_stream s) {
    size_t strips = (size_t)head.N * head_strips<DRAW_STRIP>(head.V);
    IT_WORKSPACE(function, memory, strips * (sizeof(VocabSums<float>) + sizeof(float)), s);
    auto sums = memory.get<VocabSums<float>>();
    DrawnStrips drawn = {sums, (float *)(sums + strips), drawing};
    if (int status = hopper::multiply<CLUSTER, DrawnRows<TWO>>(function, head, drawn, s)) return status;
    return check(launch(finish_draw, dim3((unsigned)ceil_div(head.N, VOCAB_WARPS)), VOCAB_THREADS, 0, s, token, head,
                        drawn), function);
}

} // namespace

int lm_head_sample(it_addr token, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr hidden,
                   it_addr weight, it_addr sequence, it_addr position, const it_sampling *sampling,
                   float certainty_temperature, int64_t N, int64_t H, int64_t V, int32_t dtype, it_stream s) {
    IT_CHECK(sampling, "null sampling");
    if (int status = support_head(__func__, hidden, weight, H, dtype)) return status;
    if (int status = check_head<DRAW_STRIP>(__func__, N, H, V)) return status;
    if (int status = check_sampling(__func__, *sampling, certainty_temperature, V)) return status;
    if (sampling->top_k != 0 || sampling->top_p != 1 || sampling->min_p != 0) {
        return fail(IT_UNSUPPORTED, __func__, "top_k, top_p and min_p need whole rows of logits");
    }
    if (N == 0) return IT_OK;
    IT_CHECK(token && hidden && weight && sequence && position, "null address");
    const float temperature = sampling->temperature;
    const float scale = temperature > 0 ? temperature : 1;
    VocabOutputs outputs(0, logprob, entropy, self_certainty, scale, self_certainty ? certainty_temperature : scale, V);
    Head head = {outputs, nullptr, (const bf16 *)hidden, (const bf16 *)weight, nullptr, (int)N, (int)H, (int)V};
    Drawing drawing = {(const int64_t *)sequence, (const int32_t *)position, sampling->seed,
                       temperature > 0 ? outputs.c : 0, sampling->valid_vocab};
    auto with = [&](auto two) {
        constexpr bool TWO = two.value;
        return N > HEAD_ROWS ? draw<2, TWO>("lm_head_sample", (int32_t *)token, head, drawing, s)
                             : draw<1, TWO>("lm_head_sample", (int32_t *)token, head, drawing, s);
    };
    return with_flag(outputs.two, with);
}

} // namespace intuitor::cuda

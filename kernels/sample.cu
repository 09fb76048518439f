/*
 * Drawing tokens: argmax_j (z_j / temperature + g_j) with Gumbel noise g is a draw from softmax(z / temperature). It
 * needs no normalisation and depends on (seed, sequence, position) alone.
 *
 * Two kernels. The first is vocab_reduce's pass over the logits, which gives the statistics and the largest logit. The
 * second, a block a row, draws. Noise costs ten times what reading a logit does, so it is made only where it could
 * decide: a logit must reach (best score - largest possible noise) * temperature, and the likeliest token's score is a
 * good bound from the start. What passes is gathered, four ids to an entry since they share a Philox counter, until a
 * warp has an entry for every lane.
 */
#include "gumbel.cuh"
#include "sampling.cuh"
#include "token_filter.cuh"
#include "vocab.cuh"

namespace intuitor::cuda {

namespace {

constexpr int DRAW_THREADS = 512;
constexpr int64_t SMALL_VOCAB = 1024; // up to here one warp draws

/* The best token of a row by a block; every warp looks at batches of its own. */
template <int THREADS, class T, bool ALIGNED> struct Draw {
    static constexpr int WARPS = THREADS / WARP;
    const T *z;
    int limit; // ids from here on are never drawn
    float threshold, temperature, inverse_temperature;
    Philox philox;
    int32_t *queue; // of the warp: quads (ids / 4) that may hold the best token, 2 WARP at most
    int queued = 0;
    float best_score; // not above the best: the same in all lanes
    uint64_t best = 0; // this lane's: the score's key, then the complement of the id, so that the lowest of equals wins

    __device__ __forceinline__ Draw(const T *z, int limit, float threshold, float temperature, Philox philox,
                                    int32_t *queue, int32_t likeliest)
        : z(z), limit(limit), threshold(fmaxf(threshold, -FLT_MAX)), temperature(temperature),
          inverse_temperature(1 / temperature), philox(philox), queue(queue) {
        uint32_t words[4];
        philox.words(likeliest / 4, words);
        uint32_t word = words[0];
#pragma unroll
        for (int k = 1; k < 4; k++) word = likeliest % 4 == k ? words[k] : word;
        best_score = to_float(z[likeliest]) * inverse_temperature + gumbel(word);
    }

    /* A logit below this cannot win. */
    __device__ __forceinline__ float least() const {
        float reach = (best_score - GUMBEL_MAX) * temperature;
        reach -= 1e-5f * fabsf(reach); // for what rounding may have added to the score
        return fmaxf(reach, threshold);
    }

    /* The block's best id, or -1. */
    __device__ __forceinline__ int32_t run() {
        const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
#pragma unroll 1
        for (int at = warp * VOCAB_BATCH<T>; at < limit; at += WARPS * VOCAB_BATCH<T>) offer(at);
        if (queued > 0) score(lane < queued ? queue[lane] : -1);
        best = block_reduce<THREADS>(best, [](uint64_t a, uint64_t b) { return a > b ? a : b; });
        return best ? (int32_t)~(uint32_t)best : -1;
    }

private:
    /* The batch that begins at column `at`, by a warp. */
    __device__ __forceinline__ void offer(int at) {
        constexpr int QUADS = VECTOR<T> / 4;
        const int lane = threadIdx.x % WARP;
        const float lowest = least();
        unsigned wanted = 0; // a bit for each of this lane's quads
        if (at + VOCAB_BATCH<T> <= limit) {
            VocabBatch<T, ALIGNED> batch(z + at);
#pragma unroll
            for (int i = 0; i < VOCAB_VECTORS * QUADS; i++) {
                wanted |= (batch.quad_max(i / QUADS, i % QUADS) >= lowest ? 1u : 0u) << i;
            }
        } else { // the end of the row
            for (int k = 0; k < VOCAB_VECTORS * VECTOR<T>; k++) {
                int id = at + vector_offset<T>(k / VECTOR<T>) + k % VECTOR<T>;
                if (id < limit && to_float(z[id]) >= lowest) wanted |= 1u << k / 4;
            }
        }
#pragma unroll 1
        while (unsigned votes = __ballot_sync(FULL_WARP, wanted != 0)) { // every lane that has some gives one
            int i = __ffs((int)wanted) - 1;
            if (wanted) {
                int quad = (at + vector_offset<T>(i / QUADS)) / 4 + i % QUADS;
                queue[queued + __popc(votes & ((1u << lane) - 1))] = quad;
            }
            wanted &= wanted - 1;
            queued += __popc(votes);
            __syncwarp();
            if (queued >= WARP) {
                queued -= WARP;
                int entry = queue[queued + lane];
                __syncwarp();
                score(entry);
            }
        }
    }

    /* One quad a lane, or none (-1). */
    __device__ __forceinline__ void score(int quad) {
        float lane_best = -INFINITY;
        if (quad >= 0) {
            uint32_t words[4];
            philox.words((uint32_t)quad, words);
            const float lowest = least();
#pragma unroll
            for (int k = 0; k < 4; k++) {
                int id = 4 * quad + k;
                float x = id < limit ? to_float(z[id]) : -INFINITY;
                if (!(x >= lowest)) continue;
                x *= inverse_temperature;
                if (x + gumbel_bound(words[k]) < best_score) continue;
                x += gumbel(words[k]);
                lane_best = fmaxf(lane_best, x);
                uint64_t key = (uint64_t)float_key(x) << 32 | ~(uint32_t)id;
                best = key > best ? key : best;
            }
        }
        best_score = fmaxf(best_score, warp_reduce(lane_best, Max()));
    }
};

template <int THREADS, class T, bool ALIGNED>
__global__ void __launch_bounds__(THREADS)
draw_tokens(int32_t *token, VocabOutputs outputs, const VocabSums<float> *strips, const T *logits, int64_t ld,
            const int64_t *sequence, const int32_t *position, it_sampling sampling, double min_p_distance, int64_t V) {
    __shared__ Histogram histogram;
    __shared__ int32_t queues[THREADS / WARP][2 * WARP];
    __shared__ float shared_highest;
    __shared__ int32_t shared_likeliest;
    const int64_t n = blockIdx.x;
    const T *z = logits + n * ld;
    const int limit = sampling.valid_vocab;
    VocabState row;
    if (threadIdx.x < WARP) {
        add_tile<T, ALIGNED>(row.sums, strips + n * vocab_strips(V), z, V, 0, true);
        if (threadIdx.x == 0) {
            shared_highest = row.sums.highest;
            shared_likeliest = row.sums.first;
        }
    }
    __syncthreads();
    int32_t drawn = shared_likeliest; // 0 where every logit is -inf or NaN
    const float highest = shared_highest;
    if (sampling.temperature > 0 && highest > -INFINITY) {
        float threshold = -INFINITY;
        if (sampling.top_k > 0 || sampling.top_p < 1 || sampling.min_p > 0) {
            threshold = token_threshold<THREADS, ALIGNED>(histogram, z, limit, highest, sampling, min_p_distance);
        }
        Draw<THREADS, T, ALIGNED> draw(z, limit, threshold, sampling.temperature,
                                       Philox(sampling.seed, sequence[n], position[n]), queues[threadIdx.x / WARP],
                                       drawn);
        int32_t best = draw.run();
        drawn = best < 0 ? drawn : best;
    }
    if (threadIdx.x == 0) {
        token[n] = drawn;
        outputs.write(n, row.sums, to_float(z[drawn]));
    }
}

} // namespace

int sample(it_addr token, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, int64_t ld,
           it_addr sequence, it_addr position, const it_sampling *sampling_, float certainty_temperature, int64_t N,
           int64_t V, int32_t dtype, it_stream s) {
    if (int status = check_vocab(__func__, N, V, ld)) return status;
    IT_CHECK(sampling_, "null sampling");
    const it_sampling sampling = *sampling_;
    if (int status = check_sampling(__func__, sampling, certainty_temperature, V)) return status;
    IT_CHECK(N == 0 || (token && logits && sequence && position), "null address");
    const float temperature = sampling.temperature;
    const float scale = temperature > 0 ? temperature : 1;
    VocabOutputs outputs(0, logprob, entropy, self_certainty, scale, self_certainty ? certainty_temperature : scale, V);
    double min_p_distance = sampling.min_p > 0 ? (double)temperature * std::log((double)sampling.min_p) : 0;
    return with_storage(__func__, dtype, [=](auto type) {
        using T = decltype(type);
        if (N == 0) return (int)IT_OK;
        IT_WORKSPACE("sample", strips, strips_bytes(N, V), s);
        auto sums = strips.template get<VocabSums<float>>();
        auto z = (const T *)logits;
        return with_flag(aligned<T>(ld, logits), [&](auto is_aligned) {
            constexpr bool ALIGNED = is_aligned.value;
            IT_CUDA_IN("sample",
                       (launch_sum_strips<T, ALIGNED>(sums, z, ld, N, V, sampling.valid_vocab, outputs, s)));
            auto draw = V <= SMALL_VOCAB ? draw_tokens<WARP, T, ALIGNED> : draw_tokens<DRAW_THREADS, T, ALIGNED>;
            int threads = V <= SMALL_VOCAB ? WARP : DRAW_THREADS;
            return check(launch(draw, dim3((unsigned)N), threads, 0, s, (int32_t *)token, outputs, sums, z, ld,
                                (const int64_t *)sequence, (const int32_t *)position, sampling, min_p_distance, V),
                         "sample");
        });
    });
}

} // namespace intuitor::cuda

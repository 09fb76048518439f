/*
 * Drawing tokens: argmax_j (z_j / temperature + g_j) with Gumbel noise g is a draw from softmax(z / temperature). It
 * needs no normalisation and depends on (seed, sequence, position) alone. The statistics come out of the same pass.
 *
 * Noise costs more than all the rest, so it is made only where it could decide: a logit must reach
 * (best score - largest possible noise) * temperature, and logarithms are taken only where a bound from the random word
 * does not rule the token out.
 */
#include <cfloat>
#include <cmath>

#include "error.h"
#include "gumbel.h"
#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "token_filter.h"
#include "vocab_argmax.h"
#include "vocab_sums.h"

namespace intuitor::INTUITOR_ISA {

/* The best score of the tokens that were offered in order. */
template <class T> struct Draw {
    const T *z;
    int64_t limit; // ids from here on are never drawn
    float threshold, temperature, inverse_temperature;
    Philox philox;
    float best = -__builtin_inff();
    int32_t token = -1;

    Draw(const T *z, int64_t limit, float threshold, float temperature, Philox philox)
        : z(z), limit(limit), threshold(threshold), temperature(temperature), inverse_temperature(1 / temperature),
          philox(philox) {}

    /* A logit below this cannot win. */
    float least() const {
        float reach = (best - GUMBEL_MAX) * temperature;
        reach -= 1e-5f * std::fabs(reach); // for what rounding may have added to the score
        return reach > threshold ? reach : threshold;
    }

    /* Chunks begin at multiples of 64. */
    void operator()(int64_t begin, int64_t end, float chunk_max) {
        if (end > limit) end = limit;
        if (chunk_max < least()) return;
        for (int64_t i = begin; i < end; i += 4 * W) offer(i, end - i < 4 * W ? (int)(end - i) : 4 * W);
    }

    void offer(int64_t first, int n) {
        const vf none = set1(-__builtin_inff());
        vf logits[4];
        vm reach[4];
        const vf lowest = set1(least());
        bool any = false;
        for (int k = 0; k < 4; k++) {
            int count = n - k * W < W ? n - k * W : W;
            logits[k] = count == W  ? load(z + first + k * W)
                        : count > 0 ? fill(load_partial(z + first + k * W, count), none, Part{count})
                                    : none;
            reach[k] = at_least(logits[k], lowest);
            any |= lanes(reach[k]) != 0;
        }
        if (!any) return;
        vu words[4];
        philox.words(first, words);
        vf score[4], bound = none;
        for (int k = 0; k < 4; k++) {
            score[k] = select(reach[k], logits[k] * set1(inverse_temperature), none);
            bound = max(bound, add_gumbel_bound(score[k], words[k]));
        }
        if (!lanes(less(set1(best), bound))) return;
        for (int k = 0; k < 4; k++) score[k] += gumbel(words[k]);
        float highest = reduce_max(max(max(score[0], score[1]), max(score[2], score[3])));
        if (!(highest > best)) return;
        best = highest;
        for (int k = 0; k < 4; k++) {
            uint32_t winner = lanes(equal(score[k], set1(highest)));
            if (winner) {
                token = (int32_t)first + k * W + __builtin_ctz(winner);
                return;
            }
        }
    }
};

struct SamplePart {
    VocabSums sums;
    float best;
    int32_t token; // -1: nothing could be drawn
};

template <class T>
static int draw(int32_t *token, VocabOutputs outputs, const T *logits, int64_t ld, const int64_t *sequence,
                const int32_t *position, it_sampling sampling, int64_t N, int64_t V) {
    const int64_t segments = vocab_segments(V), valid = sampling.valid_vocab;
    const bool greedy = sampling.temperature == 0;
    const bool filtered = !greedy && (sampling.top_k > 0 || sampling.top_p < 1 || sampling.min_p > 0);
    const float infinity = __builtin_inff();
    IT_SCRATCH(SamplePart, parts, N * segments);

    /* The statistics and, unless a filter has to see the whole row first, each segment's best token. */
    parallel_for_dynamic(N * segments, 8 * (V < VOCAB_SEGMENT ? V : VOCAB_SEGMENT), [=](int64_t item) {
        int64_t n = item / segments, begin = item % segments * VOCAB_SEGMENT;
        int64_t end = V - begin < VOCAB_SEGMENT ? V : begin + VOCAB_SEGMENT;
        const T *z = logits + n * ld;
        SamplePart &part = parts[item];
        if (greedy) {
            Argmax<T> best(z, valid);
            part.sums = sum_segment(z, begin, end, outputs, best);
            part.best = best.value;
            part.token = best.value > -infinity ? best.id() : -1;
        } else if (filtered) {
            NoChunkMax none;
            part.sums = sum_segment(z, begin, end, outputs, none);
        } else {
            Draw<T> best(z, valid, -FLT_MAX, sampling.temperature, Philox(sampling.seed, sequence[n], position[n]));
            part.sums = sum_segment(z, begin, end, outputs, best);
            part.best = best.best;
            part.token = best.token;
        }
    });

    parallel_for_dynamic(N, filtered ? 32 * V : 512 + 64 * segments, [=](int64_t n) {
        const T *z = logits + n * ld;
        const SamplePart *row = parts + n * segments;
        VocabSums sums = row[0].sums;
        for (int64_t s = 1; s < segments; s++) sums.add(row[s].sums);
        int32_t drawn = -1;
        if (filtered) {
            float threshold = token_threshold(z, valid, sampling);
            Draw<T> best(z, valid, threshold > -FLT_MAX ? threshold : -FLT_MAX, sampling.temperature,
                         Philox(sampling.seed, sequence[n], position[n]));
            best(0, valid, infinity);
            drawn = best.token;
        } else {
            float score = -infinity;
            for (int64_t s = 0; s < segments; s++) {
                if (row[s].token >= 0 && row[s].best > score) {
                    score = row[s].best;
                    drawn = row[s].token;
                }
            }
        }
        token[n] = drawn < 0 ? 0 : drawn; // every logit is -inf or NaN
        outputs.write(n, sums, to_float(z[token[n]]));
    });
    return IT_OK;
}

int sample(it_addr token, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr logits, int64_t ld,
           it_addr sequence_, it_addr position_, const it_sampling *sampling, float certainty_temperature, int64_t N,
           int64_t V, int32_t dtype, it_stream) {
    IT_CHECK(dtype == IT_F32 || dtype == IT_BF16, "dtype %d is neither fp32 nor bf16", dtype);
    IT_CHECK(N >= 0 && V > 0 && ld >= V, "sizes N %lld, V %lld, ld %lld", (long long)N, (long long)V, (long long)ld);
    IT_CHECK(sampling, "null sampling");
    IT_CHECK(N == 0 || (token && logits && sequence_ && position_), "null address");
    const float temperature = sampling->temperature;
    IT_CHECK(temperature >= 0 && temperature < __builtin_inff(), "temperature %g", temperature);
    IT_CHECK(certainty_temperature > 0, "certainty temperature %g", certainty_temperature);
    IT_CHECK(sampling->top_k >= 0, "top_k %d", sampling->top_k);
    IT_CHECK(sampling->top_p > 0 && sampling->top_p <= 1, "top_p %g is not in (0, 1]", sampling->top_p);
    IT_CHECK(sampling->min_p >= 0 && sampling->min_p <= 1, "min_p %g is not in [0, 1]", sampling->min_p);
    IT_CHECK(sampling->valid_vocab > 0 && sampling->valid_vocab <= V, "valid_vocab %d, V %lld", sampling->valid_vocab,
             (long long)V);
    const float scale = temperature > 0 ? temperature : 1;
    VocabScales scales(scale, self_certainty ? certainty_temperature : scale);
    VocabOutputs outputs(0, logprob, entropy, self_certainty, scales, V);
    const int64_t *sequence = (const int64_t *)sequence_;
    const int32_t *position = (const int32_t *)position_;
    return dtype == IT_F32 ? draw((int32_t *)token, outputs, (const float *)logits, ld, sequence, position, *sampling,
                                  N, V)
                           : draw((int32_t *)token, outputs, (const bf16 *)logits, ld, sequence, position, *sampling,
                                  N, V);
}

} // namespace intuitor::INTUITOR_ISA

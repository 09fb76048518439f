/* Log-probability, entropy and self-certainty of rows of logits, and the gradient of the log-probability. */
#include <cstring>

#include "error.h"
#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "vocab_argmax.h"
#include "vocab_sums.h"

namespace intuitor::INTUITOR_ISA {

/* What is known of a row so far. */
struct VocabState {
    VocabSums sums;
    float best = -__builtin_inff(); // the largest logit,
    int32_t best_id = 0;            // the lowest id that has it
    float target_logit = __builtin_nanf("");
};
static_assert(sizeof(VocabState) == IT_VOCAB_STATE_BYTES);

struct SegmentPart {
    VocabSums sums;
    float best; // these two where they are asked for
    int32_t best_id;
};

/* parts[n, s]: what segment s of row n comes to. */
template <class T>
static void sum_segments(SegmentPart *parts, VocabScales scales, bool argmax, const T *logits, int64_t ld, int64_t N,
                         int64_t V) {
    const int64_t segments = vocab_segments(V);
    parallel_for_dynamic(N * segments, V < VOCAB_SEGMENT ? V : VOCAB_SEGMENT, [=](int64_t item) {
        const T *z = logits + item / segments * ld;
        int64_t begin = item % segments * VOCAB_SEGMENT, end = V - begin < VOCAB_SEGMENT ? V : begin + VOCAB_SEGMENT;
        SegmentPart &part = parts[item];
        if (argmax) {
            Argmax<T> best(z, V);
            part.sums = sum_segment(z, begin, end, scales, best);
            part.best = best.value;
            part.best_id = best.id();
        } else {
            NoChunkMax none;
            part.sums = sum_segment(z, begin, end, scales, none);
        }
    });
}

/* Adds the next segments of a row, the first of which begins at column `first`, one by one: where they are cut into
   several calls makes no difference. */
static void add_segments(VocabState &row, const SegmentPart *parts, int64_t segments, int64_t first, bool argmax) {
    for (int64_t s = 0; s < segments; s++) {
        row.sums.add(parts[s].sums);
        if (argmax && parts[s].best > row.best) {
            row.best = parts[s].best;
            row.best_id = (int32_t)(first + parts[s].best_id);
        }
    }
}

/* Operations of adding up the segments of a row and making outputs of them, for parallel_for. */
static int64_t row_cost(int64_t segments) { return 512 + 64 * segments; }

template <class T>
static int reduce(VocabOutputs outputs, int32_t *argmax, const T *logits, int64_t ld, const int32_t *targets,
                  int64_t N, int64_t V) {
    const int64_t segments = vocab_segments(V);
    IT_SCRATCH(SegmentPart, parts, N * segments);
    sum_segments(parts, outputs, argmax, logits, ld, N, V);
    parallel_for(N, row_cost(segments), [=](int64_t n) {
        VocabState row;
        add_segments(row, parts + n * segments, segments, 0, argmax);
        outputs.write(n, row.sums, targets ? to_float(logits[n * ld + targets[n]]) : 0);
        if (argmax) argmax[n] = row.best_id;
    });
    return IT_OK;
}

template <class T>
static int accumulate(VocabState *state, VocabScales scales, const T *logits, int64_t ld, int64_t first,
                      const int32_t *targets, int64_t N, int64_t columns) {
    const int64_t segments = vocab_segments(columns);
    IT_SCRATCH(SegmentPart, parts, N * segments);
    sum_segments(parts, scales, true, logits, ld, N, columns);
    parallel_for(N, row_cost(segments), [=](int64_t n) {
        VocabState row = first == 0 ? VocabState() : state[n];
        add_segments(row, parts + n * segments, segments, first, true);
        int64_t target = targets ? targets[n] - first : -1;
        if (target >= 0 && target < columns) row.target_logit = to_float(logits[n * ld + target]);
        state[n] = row;
    });
    return IT_OK;
}

/* The first row whose target is no vocabulary id, or -1. */
static int64_t first_bad_target(const int32_t *targets, int64_t N, int64_t V) {
    for (int64_t n = 0; n < N; n++) {
        if (targets[n] < 0 || targets[n] >= V) return n;
    }
    return -1;
}

int vocab_reduce(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax, it_addr logits,
                 int64_t ld, it_addr targets_, float temperature, float certainty_temperature, int64_t N, int64_t V,
                 int32_t dtype, it_stream) {
    IT_CHECK(dtype == IT_F32 || dtype == IT_BF16, "dtype %d is neither fp32 nor bf16", dtype);
    IT_CHECK(N >= 0 && V > 0 && V <= INT32_MAX && ld >= V, "sizes N %lld, V %lld, ld %lld", (long long)N, (long long)V,
             (long long)ld);
    IT_CHECK(N == 0 || logits, "null logits");
    IT_CHECK(temperature > 0 && certainty_temperature > 0, "temperatures %g, %g", temperature, certainty_temperature);
    IT_CHECK(N == 0 || !logprob || targets_, "logprob without targets");
    const int32_t *targets = logprob ? (const int32_t *)targets_ : nullptr;
    if (targets) {
        int64_t bad = first_bad_target(targets, N, V);
        IT_CHECK(bad < 0, "row %lld has target %d, the vocabulary has %lld", (long long)bad, targets[bad],
                 (long long)V);
    }
    if (!self_certainty) certainty_temperature = temperature;
    if (!lse && !logprob && !entropy) temperature = certainty_temperature; // one set of sums will do
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, VocabScales(temperature, certainty_temperature), V);
    return dtype == IT_F32 ? reduce(outputs, (int32_t *)argmax, (const float *)logits, ld, targets, N, V)
                           : reduce(outputs, (int32_t *)argmax, (const bf16 *)logits, ld, targets, N, V);
}

int vocab_accumulate(it_addr state_, it_addr logits, int64_t ld, int64_t first, it_addr targets_, float temperature,
                     float certainty_temperature, int64_t N, int64_t columns, int32_t dtype, it_stream) {
    IT_CHECK(dtype == IT_F32 || dtype == IT_BF16, "dtype %d is neither fp32 nor bf16", dtype);
    IT_CHECK(N >= 0 && columns > 0 && columns <= INT32_MAX && ld >= columns, "sizes N %lld, columns %lld, ld %lld",
             (long long)N, (long long)columns, (long long)ld);
    IT_CHECK(first >= 0 && first % VOCAB_SEGMENT == 0 && first <= INT32_MAX - columns,
             "a tile begins at column %lld, not at a multiple of %lld below 2^31", (long long)first,
             (long long)VOCAB_SEGMENT);
    IT_CHECK(N == 0 || (state_ && logits), "null address");
    IT_CHECK(temperature > 0 && certainty_temperature > 0, "temperatures %g, %g", temperature, certainty_temperature);
    auto state = (VocabState *)state_;
    auto targets = (const int32_t *)targets_;
    VocabScales scales(temperature, certainty_temperature);
    return dtype == IT_F32 ? accumulate(state, scales, (const float *)logits, ld, first, targets, N, columns)
                           : accumulate(state, scales, (const bf16 *)logits, ld, first, targets, N, columns);
}

int vocab_finish(it_addr lse, it_addr logprob, it_addr entropy, it_addr self_certainty, it_addr argmax_,
                 it_addr state_, float temperature, float certainty_temperature, int64_t N, int64_t V, it_stream) {
    IT_CHECK(N >= 0 && V > 0 && V <= INT32_MAX, "sizes N %lld, V %lld", (long long)N, (long long)V);
    IT_CHECK(N == 0 || state_, "null state");
    IT_CHECK(temperature > 0 && certainty_temperature > 0, "temperatures %g, %g", temperature, certainty_temperature);
    auto state = (const VocabState *)state_;
    auto argmax = (int32_t *)argmax_;
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, VocabScales(temperature, certainty_temperature), V);
    parallel_for(N, row_cost(0), [=](int64_t n) {
        outputs.write(n, state[n].sums, state[n].target_logit);
        if (argmax) argmax[n] = state[n].best_id;
    });
    return IT_OK;
}

/* z <- scale ([j = target] - 2^(c (z - lse temperature))) */
template <class T>
static void backward(T *logits, int64_t ld, const float *lse, const int32_t *targets, const float *coefficient,
                     float temperature, int64_t N, int64_t V) {
    const int64_t segments = vocab_segments(V);
    const vf c = set1((float)(LOG2_E / temperature));
    parallel_for(N * segments, V < VOCAB_SEGMENT ? V : VOCAB_SEGMENT, [=](int64_t item) {
        int64_t n = item / segments, begin = item % segments * VOCAB_SEGMENT;
        int64_t size = V - begin < VOCAB_SEGMENT ? V - begin : VOCAB_SEGMENT;
        T *z = logits + n * ld + begin;
        const float scale = coefficient[n] / temperature;
        if (scale == 0) { // a token that does not count
            memset((void *)z, 0, size * sizeof(T));
            return;
        }
        double center = (double)lse[n] * temperature;
        double rest = (center - (float)center) * LOG2_E / temperature;
        const vf high = set1((float)center), low = set1((float)rest);
        int64_t target = targets[n] - begin;
        float probability_term = 0;
        if (target >= 0 && target < size) {
            vf p = exp2(fma(set1(to_float(z[target])) - high, c, -low));
            float lanes_of_p[W];
            store(lanes_of_p, p);
            probability_term = scale * (1.0f - lanes_of_p[0]);
        }
        each_vector(size, [=](int64_t i, auto count) {
            vf p = exp2(fma(load(z + i, count) - high, c, -low));
            store(z + i, set1(-scale) * p, count);
        });
        if (target >= 0 && target < size) store_partial(z + target, set1(probability_term), 1);
    });
}

int logprob_backward(it_addr logits, int64_t ld, it_addr lse, it_addr targets_, it_addr coefficient, float temperature,
                     int64_t N, int64_t V, int32_t dtype, it_stream) {
    IT_CHECK(dtype == IT_F32 || dtype == IT_BF16, "dtype %d is neither fp32 nor bf16", dtype);
    IT_CHECK(N >= 0 && V > 0 && V <= INT32_MAX && ld >= V, "sizes N %lld, V %lld, ld %lld", (long long)N, (long long)V,
             (long long)ld);
    IT_CHECK(N == 0 || (logits && lse && targets_ && coefficient), "null address");
    IT_CHECK(temperature > 0, "temperature %g", temperature);
    const int32_t *targets = (const int32_t *)targets_;
    int64_t bad = first_bad_target(targets, N, V);
    IT_CHECK(bad < 0, "row %lld has target %d, the vocabulary has %lld", (long long)bad, targets[bad], (long long)V);
    if (dtype == IT_F32) {
        backward((float *)logits, ld, (const float *)lse, targets, (const float *)coefficient, temperature, N, V);
    } else {
        backward((bf16 *)logits, ld, (const float *)lse, targets, (const float *)coefficient, temperature, N, V);
    }
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA

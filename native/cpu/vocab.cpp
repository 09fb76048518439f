/* Log-probability, entropy and self-certainty of rows of logits, and the gradient of the log-probability. */
#include <cstring>

#include "error.h"
#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "vocab_argmax.h"
#include "vocab_sums.h"

namespace intuitor::INTUITOR_ISA {

struct ReducePart {
    VocabSums sums;
    float best;
    int32_t best_id;
};

template <class T>
static int reduce(VocabOutputs outputs, int32_t *argmax, const T *logits, int64_t ld, const int32_t *targets,
                  int64_t N, int64_t V) {
    const int64_t segments = vocab_segments(V);
    IT_SCRATCH(ReducePart, parts, N * segments);
    parallel_for_dynamic(N * segments, V < VOCAB_SEGMENT ? V : VOCAB_SEGMENT, [=](int64_t item) {
        const T *z = logits + item / segments * ld;
        int64_t begin = item % segments * VOCAB_SEGMENT, end = V - begin < VOCAB_SEGMENT ? V : begin + VOCAB_SEGMENT;
        ReducePart &part = parts[item];
        if (argmax) {
            Argmax<T> best(z, V);
            part.sums = sum_segment(z, begin, end, outputs, best);
            part.best = best.value;
            part.best_id = best.id();
        } else {
            NoChunkMax none;
            part.sums = sum_segment(z, begin, end, outputs, none);
        }
    });
    parallel_for(N, 512 + 64 * segments, [=](int64_t n) {
        const ReducePart *row = parts + n * segments;
        VocabSums sums = row[0].sums;
        for (int64_t s = 1; s < segments; s++) sums.add(row[s].sums);
        float target_logit = targets ? to_float(logits[n * ld + targets[n]]) : 0;
        outputs.write(n, sums, target_logit);
        if (argmax) {
            const ReducePart *best = row;
            for (int64_t s = 1; s < segments; s++) {
                if (row[s].best > best->best) best = row + s;
            }
            argmax[n] = best->best_id;
        }
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
    IT_CHECK(N >= 0 && V > 0 && ld >= V, "sizes N %lld, V %lld, ld %lld", (long long)N, (long long)V, (long long)ld);
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
    VocabOutputs outputs(lse, logprob, entropy, self_certainty, temperature, certainty_temperature, V);
    return dtype == IT_F32 ? reduce(outputs, (int32_t *)argmax, (const float *)logits, ld, targets, N, V)
                           : reduce(outputs, (int32_t *)argmax, (const bf16 *)logits, ld, targets, N, V);
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
    IT_CHECK(N >= 0 && V > 0 && ld >= V, "sizes N %lld, V %lld, ld %lld", (long long)N, (long long)V, (long long)ld);
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

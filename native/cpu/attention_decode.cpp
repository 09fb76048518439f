/*
 * Attention for one query a segment: decoding.
 *
 *     out[h] = softmax(q_h k^T / sqrt(D)) v    for the heads h of one key-value head's group
 *
 * There are too few query rows to fill a vector, so here the lanes are a head's dimensions. Every key row is read once
 * for its whole group of heads: the products of W (key, head) pairs are W vectors, and one tree of shuffles sums them.
 *
 * Keys - the prefix, then the segment's own - are cut into splits of SPLIT, each with a softmax of its own; the partial
 * results (m, l, O) are merged in the order of the splits, as in Flash-Decoding. The size of a split is fixed, so a
 * result's bits do not depend on the batch or the threads; only who computes a split does. With few long segments a
 * split is a work item, otherwise a whole (segment, key-value head).
 */
#include "attention.h"

#include <atomic>
#include <vector>

#include "parallel.h"

namespace intuitor::INTUITOR_ISA::attention {

namespace {

constexpr int SPLIT = 256;         // keys
constexpr int STRIDE = SPLIT + W;  // of a head's scores: the last vector may reach over the end

/* The result of one split or several, of one group of heads: O relative to the maximum m, l = sum of exp. */
struct Partial {
    float *m, *l, *o; // [group], [group], [group][ld]

    static int64_t size(int64_t group, int64_t ld) { return round_up(group * (ld + 2), 16); }
    Partial(float *at, int64_t group, int64_t ld) : m(at + group * ld), l(m + group), o(at) {}
};

/* Rows of keys (or values): `count` from p on. */
struct Run {
    const float *k, *v;
    int count;
};

/* scores [HEADS][STRIDE] of the run's keys for the heads of q [HEADS][ld]; up to W - 1 more are overwritten. */
template <int HEADS>
void score_heads(float *scores, const float *q, int64_t ld, const Run &run, int64_t stride, int64_t D) {
    constexpr int N = W / HEADS; // keys at once
    const int64_t whole = D / W * W;
    for (int j = 0; j < run.count; j += N) {
        const float *row[N]; // past the end: the last key again
#pragma GCC unroll 16
        for (int i = 0; i < N; i++) row[i] = run.k + (j + i < run.count ? j + i : run.count - 1) * stride;
        vf sum[W];
#pragma GCC unroll 16
        for (int i = 0; i < W; i++) sum[i] = zero();
        auto add = [&](int64_t d, auto load_key) __attribute__((always_inline)) {
            vf x[HEADS];
#pragma GCC unroll 4
            for (int h = 0; h < HEADS; h++) x[h] = load(q + h * ld + d);
#pragma GCC unroll 16
            for (int i = 0; i < N; i++) {
                vf y = load_key(row[i] + d);
#pragma GCC unroll 4
                for (int h = 0; h < HEADS; h++) sum[h * N + i] = fma(x[h], y, sum[h * N + i]);
            }
        };
        for (int64_t d = 0; d < whole; d += W) add(d, [](const float *p) { return load(p); });
        if (whole < D) add(whole, [&](const float *p) { return load_partial(p, (int)(D - whole)); });
        alignas(64) float s[W];
        store(s, reduce_each(sum));
        for (int h = 0; h < HEADS; h++) __builtin_memcpy(scores + h * STRIDE + j, s + h * N, N * sizeof(float));
    }
}

/* o [HEADS][V W] += p [HEADS][STRIDE] times the values at v. */
template <int HEADS, int V, bool TAIL>
void add_values(float *o, int64_t ld, const float *p, const float *v, int count, int64_t stride, int tail) {
    vf sum[HEADS][V];
#pragma GCC unroll 4
    for (int h = 0; h < HEADS; h++) {
#pragma GCC unroll 4
        for (int i = 0; i < V; i++) sum[h][i] = load(o + h * ld + i * W);
    }
    for (int j = 0; j < count; j++, v += stride) {
        vf x[V];
#pragma GCC unroll 4
        for (int i = 0; i < V; i++) x[i] = TAIL ? load_partial(v + i * W, tail) : load(v + i * W);
#pragma GCC unroll 4
        for (int h = 0; h < HEADS; h++) {
            vf y = set1(p[h * STRIDE + j]);
#pragma GCC unroll 4
            for (int i = 0; i < V; i++) sum[h][i] = fma(y, x[i], sum[h][i]);
        }
    }
#pragma GCC unroll 4
    for (int h = 0; h < HEADS; h++) {
#pragma GCC unroll 4
        for (int i = 0; i < V; i++) store(o + h * ld + i * W, sum[h][i]);
    }
}

template <int HEADS>
void add_values(float *o, int64_t ld, const float *p, const Run &run, int64_t stride, int64_t D) {
    constexpr int V = W == 16 ? 4 : 2;
    int64_t d = 0;
    for (; d + V * W <= D; d += V * W) add_values<HEADS, V, false>(o + d, ld, p, run.v + d, run.count, stride, 0);
    for (; d + 2 * W <= D; d += 2 * W) add_values<HEADS, 2, false>(o + d, ld, p, run.v + d, run.count, stride, 0);
    for (; d + W <= D; d += W) add_values<HEADS, 1, false>(o + d, ld, p, run.v + d, run.count, stride, 0);
    if (d < D) add_values<HEADS, 1, true>(o + d, ld, p, run.v + d, run.count, stride, (int)(D - d));
}

/* f(std::integral_constant HEADS, first head) over a group of heads, in blocks of 4, 2 and 1. */
template <class F> void for_each_head_block(int64_t group, F f) {
    int64_t h = 0;
    for (; h + 4 <= group; h += 4) f(std::integral_constant<int, 4>(), h);
    for (; h + 2 <= group; h += 2) f(std::integral_constant<int, 2>(), h);
    for (; h < group; h++) f(std::integral_constant<int, 1>(), h);
}

/* The keys of split n: of the prefix, then own. */
int split_runs(const Forward &f, const it_segment &s, int64_t kv_head, int64_t n, Run *runs) {
    const int64_t begin = n * SPLIT, left = (int64_t)s.prefix_len + s.k_len - begin;
    const int64_t end = begin + (left < SPLIT ? left : SPLIT);
    int count = 0;
    auto add = [&](int64_t row, int64_t rows) {
        if (rows <= 0) return;
        int64_t offset = row * f.kv_stride + kv_head * f.D;
        runs[count++] = {f.k + offset, f.v + offset, (int)rows};
    };
    const int64_t boundary = s.prefix_len < begin ? begin : s.prefix_len < end ? s.prefix_len : end;
    add(s.prefix_start + begin, boundary - begin);
    add(s.k_start + boundary - s.prefix_len, end - boundary);
    return count;
}

int64_t split_count(const it_segment &s) { return ((int64_t)s.prefix_len + s.k_len + SPLIT - 1) / SPLIT; }

/* One split: result = softmax over its keys, not yet divided by l. q [group][ld] scaled; scores [group][STRIDE]. */
void attend_split(const Forward &f, const it_segment &s, int64_t kv_head, int64_t n, const float *q, float *scores,
                  const Partial &result) {
    const int64_t group = f.group(), ld = round_up(f.D, W);
    Run runs[2];
    const int count = split_runs(f, s, kv_head, n, runs);
    int keys = 0;
    for (const Run *run = runs; run < runs + count; keys += run->count, run++) {
        for_each_head_block(group, [&](auto heads, int64_t h) {
            score_heads<heads>(scores + h * STRIDE + keys, q + h * ld, ld, *run, f.kv_stride, f.D);
        });
    }
    for (int64_t h = 0; h < group; h++) {
        float *p = scores + h * STRIDE;
        for (int j = keys; j < round_up(keys, W); j++) p[j] = LOWEST;
        vf largest = set1(LOWEST), sum = zero();
        for (int j = 0; j < keys; j += W) largest = max(load(p + j), largest);
        const float m = reduce_max(largest);
        for (int j = 0; j < keys; j += W) {
            vf x = exp_negative(load(p + j) - set1(m));
            store(p + j, x);
            sum = sum + x;
        }
        result.m[h] = m;
        result.l[h] = reduce_add(sum);
    }
    for (int64_t i = 0; i < group * ld; i += W) store(result.o + i, zero());
    keys = 0;
    for (const Run *run = runs; run < runs + count; keys += run->count, run++) {
        for_each_head_block(group, [&](auto heads, int64_t h) {
            add_values<heads>(result.o + h * ld, ld, scores + h * STRIDE + keys, *run, f.kv_stride, f.D);
        });
    }
}

/* a = a and b together. */
void merge(const Partial &a, const Partial &b, int64_t group, int64_t ld) {
    for (int64_t h = 0; h < group; h++) {
        const float m = a.m[h] > b.m[h] ? a.m[h] : b.m[h];
        const vf x = exp_negative(set1(a.m[h] - m)), y = exp_negative(set1(b.m[h] - m));
        a.m[h] = m;
        a.l[h] = a.l[h] * x[0] + b.l[h] * y[0];
        for (int64_t d = h * ld; d < (h + 1) * ld; d += W) store(a.o + d, fma(load(b.o + d), y, load(a.o + d) * x));
    }
}

void finish(const Forward &f, const it_segment &s, int64_t kv_head, const Partial &result) {
    const int64_t group = f.group(), D = f.D, ld = round_up(D, W);
    for (int64_t h = 0; h < group; h++) {
        const int64_t head = (int64_t)s.q_start * f.heads + kv_head * group + h;
        const vf factor = set1(1.0f / result.l[h]);
        const float *o = result.o + h * ld;
        each_vector(D, [&](int64_t d, auto n) { store(f.out + head * D + d, load(o + d) * factor, n); });
        if (f.lse) f.lse[head] = result.m[h] + log(set1(result.l[h]))[0];
    }
}

/* The scaled queries of a group, [group][ld]. */
void load_queries(float *q, const Forward &f, const it_segment &s, int64_t kv_head) {
    const int64_t group = f.group(), ld = round_up(f.D, W);
    load_tile(q, ld, f.q + s.q_start * f.q_stride + kv_head * group * f.D, f.D, (int)group, (int)group, f.D);
    for (int64_t i = 0; i < group * ld; i += W) store(q + i, load(q + i) * set1(f.scale()));
}

} // namespace

bool decode(const Forward &f, const it_segment *const *segments, int64_t count) {
    const int64_t group = f.group(), ld = round_up(f.D, W), partial = Partial::size(group, ld);
    std::atomic<bool> done = true;
    std::vector<int64_t> first(count + 1); // split of all splits
    for (int64_t i = 0; i < count; i++) first[i + 1] = first[i] + split_count(*segments[i]);
    const int64_t splits = first[count];
    int64_t keys = 0;
    for (int64_t i = 0; i < count; i++) keys += (int64_t)segments[i]->prefix_len + segments[i]->k_len;

    if (splits == count || count * f.kv_heads >= 4 * thread_count) {
        parallel_for_dynamic(count * f.kv_heads, keys * group * f.D / count, [&](int64_t i) {
            const it_segment &s = *segments[i / f.kv_heads];
            const int64_t kv_head = i % f.kv_heads;
            Workspace memory(group * (ld + STRIDE) + 2 * partial, 4);
            if (!memory) {
                done = false;
                return;
            }
            float *q = memory.take(group * ld), *scores = memory.take(group * STRIDE);
            Partial all(memory.take(partial), group, ld), next(memory.take(partial), group, ld);
            load_queries(q, f, s, kv_head);
            attend_split(f, s, kv_head, 0, q, scores, all);
            for (int64_t n = 1; n < split_count(s); n++) {
                attend_split(f, s, kv_head, n, q, scores, next);
                merge(all, next, group, ld);
            }
            finish(f, s, kv_head, all);
        });
        return done;
    }
    std::vector<const it_segment *> segment_of(splits);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t n = first[i]; n < first[i + 1]; n++) segment_of[n] = segments[i];
    }
    std::vector<int64_t> split_of(splits); // within its segment
    for (int64_t n = 1; n < splits; n++) split_of[n] = segment_of[n] == segment_of[n - 1] ? split_of[n - 1] + 1 : 0;
    std::vector<float> partials((size_t)(splits * f.kv_heads * partial));
    auto at = [&](int64_t split, int64_t kv_head) {
        return Partial(partials.data() + (split * f.kv_heads + kv_head) * partial, group, ld);
    };
    parallel_for_dynamic(splits * f.kv_heads, SPLIT * group * f.D, [&](int64_t i) {
        const int64_t split = i / f.kv_heads, kv_head = i % f.kv_heads;
        Workspace memory(group * (ld + STRIDE), 2);
        if (!memory) {
            done = false;
            return;
        }
        float *q = memory.take(group * ld), *scores = memory.take(group * STRIDE);
        load_queries(q, f, *segment_of[split], kv_head);
        attend_split(f, *segment_of[split], kv_head, split_of[split], q, scores, at(split, kv_head));
    });
    parallel_for(count * f.kv_heads, SPLIT, [&](int64_t i) {
        const int64_t segment = i / f.kv_heads, kv_head = i % f.kv_heads;
        const Partial all = at(first[segment], kv_head);
        for (int64_t n = first[segment] + 1; n < first[segment + 1]; n++) merge(all, at(n, kv_head), group, ld);
        finish(f, *segments[segment], kv_head, all);
    });
    return done;
}

} // namespace intuitor::INTUITOR_ISA::attention

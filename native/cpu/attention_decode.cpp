/*
 * Attention for one query a segment: decoding.
 *
 *     out[h] = softmax(q_h k^T / sqrt(D)) v    for the heads h of one key-value head's group
 *
 * There are too few query rows to fill a vector, so here the lanes are a head's dimensions. A key is read once for its
 * whole group of heads: the products of W (key, head) pairs are W vectors, and one tree of shuffles sums all of them.
 *
 * A segment's keys - the prefix, then its own - are cut into splits of SPLIT. A split is a work item and has a softmax
 * of its own; the results (m, l, O) of the splits are merged in order, as in Flash-Decoding. The size of a split
 * is fixed, so the bits of a result depend neither on the batch nor on the threads.
 */
#include "attention.h"

#include <atomic>
#include <memory>
#include <vector>

#include "parallel.h"

namespace intuitor::INTUITOR_ISA::attention {

namespace {

constexpr int SPLIT = 256;        // keys
constexpr int STRIDE = SPLIT + W; // of a head's scores: the last vector may reach over the end

/* The result of one split or several, for all heads: O relative to the maximum m, l = sum of exp. */
struct Partial {
    float *m, *l, *o; // [heads], [heads], [heads][ld]

    static int64_t size(int64_t heads, int64_t ld) { return round_up(heads * (ld + 2), 16); }
    Partial(float *at, int64_t heads, int64_t ld) : m(at + heads * ld), l(m + heads), o(at) {}
};

/* scores [HEADS][STRIDE] of `count` keys for the heads of q [HEADS][ld]; up to W - 1 more are overwritten. */
template <int HEADS>
void score_heads(float *scores, const float *q, int64_t ld, const float *k, int count, int64_t stride, int64_t D) {
    constexpr int N = W / HEADS; // keys at once
    const int64_t whole = D / W * W;
    for (int j = 0; j < count; j += N) {
        const float *row[N]; // past the end: the last key again
#pragma GCC unroll 16
        for (int i = 0; i < N; i++) row[i] = k + (j + i < count ? j + i : count - 1) * stride;
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
void add_values(float *o, int64_t ld, const float *p, const float *v, int count, int64_t stride, int64_t D) {
    constexpr int V = W == 16 ? 4 : 2;
    int64_t d = 0;
    for (; d + V * W <= D; d += V * W) add_values<HEADS, V, false>(o + d, ld, p, v + d, count, stride, 0);
    for (; d + 2 * W <= D; d += 2 * W) add_values<HEADS, 2, false>(o + d, ld, p, v + d, count, stride, 0);
    for (; d + W <= D; d += W) add_values<HEADS, 1, false>(o + d, ld, p, v + d, count, stride, 0);
    if (d < D) add_values<HEADS, 1, true>(o + d, ld, p, v + d, count, stride, (int)(D - d));
}

/* visit(number of heads as a constant, first head, key-value head): blocks of 4, 2 and 1 heads of a group. */
template <class F> void for_each_head_block(const Forward &f, F visit) {
    const int64_t group = f.group();
    for (int64_t kv_head = 0; kv_head < f.kv_heads; kv_head++) {
        int64_t h = kv_head * group;
        const int64_t end = h + group;
        for (; h + 4 <= end; h += 4) visit(std::integral_constant<int, 4>(), h, kv_head);
        for (; h + 2 <= end; h += 2) visit(std::integral_constant<int, 2>(), h, kv_head);
        for (; h < end; h++) visit(std::integral_constant<int, 1>(), h, kv_head);
    }
}

/* visit(first key, counted from `begin`, its row, count) for keys begin .. end - 1: of the prefix, then own. */
template <class F> void for_each_run(const it_segment &s, int64_t begin, int64_t end, F visit) {
    int64_t own = s.prefix_len;
    own = own < begin ? begin : own < end ? own : end; // the first of [begin, end) that is not of the prefix
    if (begin < own) visit(0, s.prefix_start + begin, (int)(own - begin));
    if (own < end) visit(own - begin, s.k_start + own - s.prefix_len, (int)(end - own));
}

int64_t key_count(const it_segment &s) { return (int64_t)s.prefix_len + s.k_len; }
int64_t split_count(const it_segment &s) { return (key_count(s) + SPLIT - 1) / SPLIT; }

/* One split: result = softmax over its keys, not yet divided by l. q [heads][ld] scaled; scores [heads][STRIDE]. */
void attend_split(const Forward &f, const it_segment &s, int64_t split, const float *q, float *scores,
                  const Partial &result) {
    const int64_t ld = round_up(f.D, W), begin = split * SPLIT;
    const int64_t keys = key_count(s) - begin < SPLIT ? key_count(s) - begin : SPLIT;
    for_each_run(s, begin, begin + keys, [&](int64_t j, int64_t row, int count) {
        for_each_head_block(f, [&](auto heads, int64_t h, int64_t kv_head) {
            const float *k = f.k + row * f.kv_stride + kv_head * f.D;
            score_heads<heads>(scores + h * STRIDE + j, q + h * ld, ld, k, count, f.kv_stride, f.D);
        });
    });
    for (int64_t h = 0; h < f.heads; h++) {
        float *p = scores + h * STRIDE;
        for (int64_t j = keys; j < round_up(keys, W); j++) p[j] = LOWEST;
        vf largest = set1(LOWEST), sum = zero();
        for (int64_t j = 0; j < keys; j += W) largest = max(load(p + j), largest);
        const float m = reduce_max(largest);
        for (int64_t j = 0; j < keys; j += W) {
            vf x = exp_negative(load(p + j) - set1(m));
            store(p + j, x);
            sum = sum + x;
        }
        result.m[h] = m;
        result.l[h] = reduce_add(sum);
    }
    for (int64_t i = 0; i < f.heads * ld; i += W) store(result.o + i, zero());
    for_each_run(s, begin, begin + keys, [&](int64_t j, int64_t row, int count) {
        for_each_head_block(f, [&](auto heads, int64_t h, int64_t kv_head) {
            const float *v = f.v + row * f.kv_stride + kv_head * f.D;
            add_values<heads>(result.o + h * ld, ld, scores + h * STRIDE + j, v, count, f.kv_stride, f.D);
        });
    });
}

/* a = a and b together. */
void merge(const Partial &a, const Partial &b, int64_t heads, int64_t ld) {
    for (int64_t h = 0; h < heads; h++) {
        const float m = a.m[h] > b.m[h] ? a.m[h] : b.m[h];
        const vf x = exp_negative(set1(a.m[h] - m)), y = exp_negative(set1(b.m[h] - m));
        a.m[h] = m;
        a.l[h] = a.l[h] * x[0] + b.l[h] * y[0];
        for (int64_t d = h * ld; d < (h + 1) * ld; d += W) store(a.o + d, fma(load(b.o + d), y, load(a.o + d) * x));
    }
}

void finish(const Forward &f, const it_segment &s, const Partial &result) {
    const int64_t D = f.D, ld = round_up(D, W);
    for (int64_t h = 0; h < f.heads; h++) {
        const int64_t at = s.q_start * f.heads + h;
        const vf factor = set1(1.0f / result.l[h]);
        const float *o = result.o + h * ld;
        each_vector(D, [&](int64_t d, auto n) { store(f.out + at * D + d, load(o + d) * factor, n); });
        if (f.lse) f.lse[at] = result.m[h] + log(set1(result.l[h]))[0];
    }
}

struct Item {
    const it_segment *segment;
    int64_t split, slot; // slot: where the result waits for the other splits; -1: there are none
};

} // namespace

bool decode(const Forward &f, const it_segment *const *segments, int64_t count) {
    const int64_t heads = f.heads, ld = round_up(f.D, W), size = Partial::size(heads, ld);
    std::vector<Item> items, long_segments; // the latter: their first splits
    int64_t slots = 0, keys = 0;
    for (const it_segment *const *s = segments; s < segments + count; s++) {
        const int64_t splits = split_count(**s);
        for (int64_t n = 0; n < splits; n++) items.push_back({*s, n, splits > 1 ? slots++ : -1});
        if (splits > 1) long_segments.push_back(items[items.size() - splits]);
        keys += key_count(**s);
    }
    const auto partials = std::make_unique_for_overwrite<float[]>(slots * size);
    auto partial = [&](int64_t slot) { return Partial(partials.get() + slot * size, heads, ld); };
    std::atomic<bool> done = true;
    parallel_for_dynamic((int64_t)items.size(), keys * heads * f.D / (int64_t)items.size(), [&](int64_t i) {
        const Item &item = items[i];
        Workspace memory(heads * (ld + STRIDE) + size, 3);
        if (!memory) {
            done = false;
            return;
        }
        float *q = memory.take(heads * ld), *scores = memory.take(heads * STRIDE);
        load_tile(q, ld, f.q + item.segment->q_start * f.q_stride, f.D, (int)heads, (int)heads, f.D);
        for (int64_t d = 0; d < heads * ld; d += W) store(q + d, load(q + d) * set1(f.scale()));
        const Partial result = item.slot < 0 ? Partial(memory.take(size), heads, ld) : partial(item.slot);
        attend_split(f, *item.segment, item.split, q, scores, result);
        if (item.slot < 0) finish(f, *item.segment, result);
    });
    if (!done) return false;
    parallel_for((int64_t)long_segments.size(), heads * ld, [&](int64_t i) {
        const Item &item = long_segments[i];
        const Partial all = partial(item.slot);
        for (int64_t n = 1; n < split_count(*item.segment); n++) merge(all, partial(item.slot + n), heads, ld);
        finish(f, *item.segment, all);
    });
    return true;
}

} // namespace intuitor::INTUITOR_ISA::attention

/*
 * Attention for one query a segment, decoding, over a cache whose rows may be paged.
 *
 *     out[h] = softmax(q_h k^T / sqrt(D)) v    for the heads h of one key-value head's group
 *
 * There are too few query rows to fill a vector, so here the lanes of scores are keys, of which a block is transposed
 * once for its whole group of heads, and those of results a head's dimensions. What is added up, and in which order, is
 * what the forward pass does (attention_forward.cpp): the bits are the same.
 *
 * A split of a segment's keys is a work item and has a softmax of its own; the results (m, l, O) of the splits are
 * merged in order, as in Flash-Decoding. The size of a split is fixed, so the bits of a result depend neither on the
 * batch nor on the threads.
 */
#include "attention.h"

#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include "error.h"
#include "kernels.h"
#include "parallel.h"

namespace intuitor::INTUITOR_ISA {

using namespace attention;

namespace {

static_assert(KEYS % ROWS == 0, "a tile is transposed in whole blocks");

/* The result of one split or several, for all heads: O relative to the maximum m, l = sum of exp. */
struct Partial {
    float *m, *l, *o; // [heads], [heads], [heads][ld]

    static int64_t size(int64_t heads, int64_t ld) { return round_up(heads * (ld + 2), 16); }
    Partial(float *at, int64_t heads, int64_t ld) : m(at + heads * ld), l(m + heads), o(at) {}
};

/* Where the rows of up to KEYS keys begin in k and v. */
struct KeyRows {
    int64_t at[KEYS];
    int count;

    KeyRows(const Forward &f, const it_segment &s, int64_t first, int64_t end)
        : count((int)(end - first < KEYS ? end - first : KEYS)) {
        for_each_run(f, s, first, first + count, [&](int64_t i, int64_t row, int64_t n) {
            for (int64_t j = 0; j < n; j++) at[i + j] = (row + j) * f.kv_stride;
        });
    }
};

/* f(number of heads as a constant, first head): `heads` heads in blocks of 4, 2 and 1. */
template <class F> inline void for_each_head_block(int64_t heads, F f) {
    int64_t h = 0;
    for (; h + 4 <= heads; h += 4) f(std::integral_constant<int, 4>(), h);
    for (; h + 2 <= heads; h += 2) f(std::integral_constant<int, 2>(), h);
    for (; h < heads; h++) f(std::integral_constant<int, 1>(), h);
}

/* scores [heads][KEYS] of the tile's keys, whose rows begin at k; LOWEST beyond them. q [heads][ld];
   transposed [D][ROWS]. */
void score(float *scores, const float *q, int64_t heads, int64_t ld, const float *k, const KeyRows &keys, int64_t D,
           float *transposed) {
    for (int j = 0; j < keys.count; j += ROWS) {
        const float *row[ROWS]; // past the end: the last key again
        for (int i = 0; i < ROWS; i++) row[i] = k + keys.at[j + i < keys.count ? j + i : keys.count - 1];
        load_transposed(transposed, row, D, 1.0f);
        for_each_head_block(heads, [&](auto n, int64_t h) {
            multiply_panel<VECTORS, Start::ZERO, n>(scores + h * KEYS + j, KEYS, q + h * ld, ld, 1, transposed, ROWS,
                                                    (int)D, nullptr);
        });
    }
    for (int64_t h = 0; h < heads; h++) {
        for (int64_t j = keys.count; j < round_up(keys.count, W); j++) scores[h * KEYS + j] = LOWEST;
    }
}

/* One head's scores -> probabilities relative to the new maximum m, in place; the factor by which older sums shrink. */
float softmax_tile(float *p, int count, float &m, float &l, bool first) {
    vf largest = set1(m);
    for (int j = 0; j < count; j += W) largest = max(load(p + j), largest);
    const float old = m;
    m = reduce_max(largest);
    for (int j = 0; j < count; j += W) store(p + j, exp_negative(load(p + j) - set1(m)));
    float sum = 0;
    for (int j = 0; j < count; j++) sum += p[j];
    const vf shrink = exp_negative(set1(old - m));
    l = first ? sum : fma(set1(l), shrink, set1(sum))[0];
    return shrink[0];
}

/* o [HEADS][V W] = o shrink + p [HEADS][KEYS] times the values, whose rows begin at v; o counts as 0 if `first`. */
template <int HEADS, int V, bool TAIL>
void add_values(float *o, int64_t ld, const float *p, const float *shrink, const float *v, const KeyRows &keys,
                int tail, bool first) {
    vf sum[HEADS][V];
#pragma GCC unroll 4
    for (int h = 0; h < HEADS; h++) {
#pragma GCC unroll 4
        for (int i = 0; i < V; i++) sum[h][i] = first ? zero() : load(o + h * ld + i * W) * set1(shrink[h]);
    }
    for (int j = 0; j < keys.count; j++) {
        const float *row = v + keys.at[j];
        vf x[V];
#pragma GCC unroll 4
        for (int i = 0; i < V; i++) x[i] = TAIL ? load_partial(row + i * W, tail) : load(row + i * W);
#pragma GCC unroll 4
        for (int h = 0; h < HEADS; h++) {
            const vf y = set1(p[h * KEYS + j]);
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
void add_values(float *o, int64_t ld, const float *p, const float *shrink, const float *v, const KeyRows &keys,
                int64_t D, bool first) {
    constexpr int V = W == 16 ? 4 : 2;
    int64_t d = 0;
    for (; d + V * W <= D; d += V * W) add_values<HEADS, V, false>(o + d, ld, p, shrink, v + d, keys, 0, first);
    for (; d + 2 * W <= D; d += 2 * W) add_values<HEADS, 2, false>(o + d, ld, p, shrink, v + d, keys, 0, first);
    for (; d + W <= D; d += W) add_values<HEADS, 1, false>(o + d, ld, p, shrink, v + d, keys, 0, first);
    if (d < D) add_values<HEADS, 1, true>(o + d, ld, p, shrink, v + d, keys, (int)(D - d), first);
}

/* One split: result = softmax over its keys, not yet divided by l. q [heads][ld] scaled; scores [heads][KEYS], shrink
   [heads]; transposed [D][ROWS]. */
void attend_split(const Forward &f, const it_segment &s, int64_t split, const float *q, float *scores, float *shrink,
                  float *transposed, const Partial &result) {
    const int64_t ld = round_up(f.D, W), group = f.group(), begin = split * SPLIT;
    const int64_t end = key_count(s) < begin + SPLIT ? key_count(s) : begin + SPLIT;
    for (int64_t h = 0; h < f.heads; h++) result.m[h] = LOWEST, result.l[h] = 0;
    for (int64_t key = begin; key < end; key += KEYS) {
        const KeyRows keys(f, s, key, end);
        const bool first = key == begin;
        for (int64_t kv_head = 0; kv_head < f.kv_heads; kv_head++) {
            const int64_t h = kv_head * group;
            score(scores + h * KEYS, q + h * ld, group, ld, f.k + kv_head * f.D, keys, f.D, transposed);
        }
        for (int64_t h = 0; h < f.heads; h++) {
            shrink[h] = softmax_tile(scores + h * KEYS, keys.count, result.m[h], result.l[h], first);
        }
        for (int64_t kv_head = 0; kv_head < f.kv_heads; kv_head++) {
            for_each_head_block(group, [&](auto heads, int64_t i) {
                const int64_t h = kv_head * group + i;
                add_values<heads>(result.o + h * ld, ld, scores + h * KEYS, shrink + h, f.v + kv_head * f.D, keys, f.D,
                                  first);
            });
        }
    }
}

/* a = a and b together. */
void merge(const Partial &a, const Partial &b, int64_t heads, int64_t ld) {
    for (int64_t h = 0; h < heads; h++) {
        vf m = set1(a.m[h]), l = set1(a.l[h]), x, y;
        attention::merge(m, l, set1(b.m[h]), set1(b.l[h]), x, y);
        a.m[h] = m[0];
        a.l[h] = l[0];
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

int64_t split_count(const it_segment &s) { return (key_count(s) + SPLIT - 1) / SPLIT; }

} // namespace

bool attention::decode(const Forward &f, const it_segment *const *segments, int64_t count) {
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
        Workspace memory(heads * (ld + KEYS + 1) + ld * ROWS + size, 5);
        if (!memory) {
            done = false;
            return;
        }
        float *q = memory.take(heads * ld), *scores = memory.take(heads * KEYS), *shrink = memory.take(heads);
        float *transposed = memory.take(ld * ROWS);
        load_tile(q, ld, f.q + item.segment->q_start * f.q_stride, f.D, (int)heads, (int)heads, f.D);
        for (int64_t d = 0; d < heads * ld; d += W) store(q + d, load(q + d) * set1(f.scale()));
        const Partial result = item.slot < 0 ? Partial(memory.take(size), heads, ld) : partial(item.slot);
        attend_split(f, *item.segment, item.split, q, scores, shrink, transposed, result);
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

int attention_decode(it_addr out, it_addr q, int64_t q_stride, it_addr k, it_addr v, int64_t kv_stride,
                     it_addr segments, int64_t S, int64_t max_k, it_addr pages, int64_t page_size, int64_t T,
                     int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream) {
    IT_CHECK_F32(dtype);
    IT_CHECK(S >= 0 && T >= 0, "S = %lld, T = %lld", (long long)S, (long long)T);
    if (S == 0) return IT_OK;
    if (int status = check_shape(__func__, Hq, Hkv, D, q_stride, kv_stride)) return status;
    IT_CHECK(out && q && k && v && segments && pages, "null address");
    IT_CHECK(page_size > 0, "page size %lld", (long long)page_size);
    const it_segment *segment = (const it_segment *)segments;
    if (int status = check_segments(__func__, segment, S, T, 1, max_k)) return status;
    Forward f{(float *)out, nullptr, (const float *)q, q_stride, (const float *)k, (const float *)v, kv_stride, Hq,
              Hkv,          D,       (const int32_t *)pages, page_size};
    try {
        std::vector<const it_segment *> all(S);
        for (int64_t i = 0; i < S; i++) {
            all[i] = segment + i;
            IT_CHECK(segment[i].prefix_start % page_size == 0 && segment[i].k_start % page_size == 0,
                     "segment %lld: rows %d and %d do not begin a page of %lld", (long long)i, segment[i].prefix_start,
                     segment[i].k_start, (long long)page_size);
        }
        if (decode(f, all.data(), S)) return IT_OK;
    } catch (const std::bad_alloc &) {
    }
    return fail(IT_OUT_OF_MEMORY, __func__, "no memory for %lld segments of head size %lld", (long long)S,
                (long long)D);
}

} // namespace intuitor::INTUITOR_ISA

/*
 * Attention, forward:  out = softmax(q k^T / sqrt(D)) v  over packed segments with shared prefixes.
 *
 * FlashAttention-2 (Dao 2023, arXiv 2307.08691), algorithm 1, on vectors (attention.h): a work item is up to
 * chunk_rows(D) query rows of one (segment, key-value head). It walks the tiles of keys once and keeps for each row
 *     m  the largest score so far,   l = sum_j exp(s_j - m),   O = sum_j exp(s_j - m) v_j,
 * rescaling l and O by exp(m_old - m_new) as m grows; at the end out = O / l and lse = m + log l. Nothing
 * overflows, however large the scores: no exponent is positive.
 *
 * A segment with a single query has too few rows to fill a vector and goes to attention_decode.cpp.
 */
#include "attention.h"

#include <vector>

#include "error.h"
#include "kernels.h"
#include "parallel.h"

namespace intuitor::INTUITOR_ISA {

using namespace attention;

namespace {

constexpr int CHUNK_ROWS = 256; // query rows of a work item: its queries and results stay in the second-level cache

/* One block of rows: its queries and the running softmax. */
struct Block {
    float *q;      // [D][ROWS], scaled
    float *result; // O^T [D rounded up to W][ROWS]
    vf m[VECTORS], l[VECTORS];
    int64_t visible[ROWS];
    float *out[ROWS], *lse[ROWS];
    int count;
};

/* Scores -> probabilities relative to the new maximum, in place; the factor by which older sums shrink. */
template <bool FIRST> void softmax_tile(float *s, const View &view, Block &block, vf *shrink) {
    for (int v = 0; v < VECTORS; v++) {
        float *p = s + v * W;
        vf m = block.m[v], sum = zero();
        for (int j = 0; j < view.whole; j++) m = max(load(p + j * ROWS), m);
        for (int j = view.whole; j < view.keys; j++) {
            vf x = select(view.hidden(j, v), set1(LOWEST), load(p + j * ROWS));
            store(p + j * ROWS, x);
            m = max(x, m);
        }
        for (int j = 0; j < view.whole; j++) {
            vf x = exp(load(p + j * ROWS) - m);
            store(p + j * ROWS, x);
            sum = sum + x;
        }
        for (int j = view.whole; j < view.keys; j++) {
            vf x = select(view.hidden(j, v), zero(), exp(load(p + j * ROWS) - m));
            store(p + j * ROWS, x);
            sum = sum + x;
        }
        shrink[v] = exp(block.m[v] - m);
        block.l[v] = FIRST ? sum : fma(block.l[v], shrink[v], sum);
        block.m[v] = m;
    }
}

void attend(Block &block, const View &view, const float *k, const float *v, int64_t ld, float *s, int64_t D, bool first) {
    multiply<VECTORS, Start::ZERO>(view.padded, s, ROWS, k, ld, 1, block.q, ROWS, (int)D);
    vf shrink[VECTORS];
    if (first) {
        softmax_tile<true>(s, view, block, shrink);
        multiply<VECTORS, Start::ZERO>(D, block.result, ROWS, v, 1, ld, s, ROWS, view.keys);
    } else {
        softmax_tile<false>(s, view, block, shrink);
        multiply<VECTORS, Start::SCALE>(D, block.result, ROWS, v, 1, ld, s, ROWS, view.keys, shrink);
    }
}

void finish(Block &block, int64_t D) {
    vf factor[VECTORS];
    alignas(64) float lse[ROWS];
    for (int v = 0; v < VECTORS; v++) {
        factor[v] = set1(1.0f) / block.l[v];
        store(lse + v * W, block.m[v] + log(block.l[v]));
    }
    store_transposed(block.out, block.count, block.result, D, factor);
    if (!block.lse[0]) return;
    for (int r = 0; r < block.count; r++) *block.lse[r] = lse[r];
}

/* Rows first .. first + CHUNK_ROWS - 1 of the q_len * group rows of a segment and key-value head. */
void forward_chunk(const Forward &f, const it_segment &s, int64_t kv_head, int64_t first) {
    const int64_t D = f.D, ld = round_up(D, W), group = f.group(), end = s.q_len * group;
    const int blocks = (int)((end - first < CHUNK_ROWS ? end - first : CHUNK_ROWS) + ROWS - 1) / ROWS;
    Scratch &scratch = Scratch::of_thread();
    scratch.reserve(blocks * (D + ld) * ROWS + KEYS * (2 * ld + ROWS), 2 * blocks + 3);
    float *k = scratch.take(KEYS * ld), *v = scratch.take(KEYS * ld), *scores = scratch.take(KEYS * ROWS);

    Block block[CHUNK_ROWS / ROWS];
    for (int b = 0; b < blocks; b++) {
        Block &x = block[b];
        x.q = scratch.take(D * ROWS);
        x.result = scratch.take(ld * ROWS);
        const float *q[ROWS];
        const int64_t start = first + b * ROWS;
        x.count = (int)(end - start < ROWS ? end - start : ROWS);
        for (int r = 0; r < ROWS; r++) {
            int64_t row = r < x.count ? start + r : end - 1; // lanes left over repeat the last row
            int64_t i = row / group, head = kv_head * group + row % group, t = s.q_start + i;
            q[r] = f.q + t * f.q_stride + head * D;
            x.out[r] = f.out + (t * f.heads + head) * D;
            x.lse[r] = f.lse ? f.lse + t * f.heads + head : nullptr;
            x.visible[r] = s.k_len - s.q_len + i;
        }
        load_transposed(x.q, q, D, f.scale());
        for (int i = 0; i < VECTORS; i++) x.m[i] = set1(LOWEST), x.l[i] = zero();
    }
    bool is_first = true; // every row sees something of the first tile: the prefix, or its own key 0
    for_each_tile(s, block[blocks - 1].visible[ROWS - 1], [&](const Tile &tile) {
        const int padded = (int)round_up(tile.count, PANEL);
        load_tile(k, ld, f.k + tile.first * f.kv_stride + kv_head * D, f.kv_stride, tile.count, padded, D);
        load_tile(v, ld, f.v + tile.first * f.kv_stride + kv_head * D, f.kv_stride, tile.count, padded, D);
        for (int b = 0; b < blocks; b++) {
            View view(tile, block[b].visible);
            if (view.keys > 0) attend(block[b], view, k, v, ld, scores, D, is_first);
        }
        is_first = false;
    });
    for (int b = 0; b < blocks; b++) finish(block[b], D);
}

struct Item {
    const it_segment *segment;
    int64_t kv_head, first_row;
};

} // namespace

int attention_forward(it_addr out, it_addr lse, it_addr q, int64_t q_stride, it_addr k, it_addr v, int64_t kv_stride,
                      it_addr segments, int64_t S, int64_t max_q, int64_t max_k, int64_t T, int64_t Hq, int64_t Hkv,
                      int64_t D, int32_t dtype, it_stream) {
    IT_CHECK_F32(dtype);
    IT_CHECK(S >= 0 && T >= 0, "S = %lld, T = %lld", (long long)S, (long long)T);
    if (S == 0) return IT_OK;
    IT_CHECK(Hkv > 0 && Hq > 0 && Hq % Hkv == 0, "%lld query heads, %lld key-value heads", (long long)Hq, (long long)Hkv);
    IT_CHECK(D >= 2 && D <= 256 && D % 2 == 0, "head size %lld is not an even number up to 256", (long long)D);
    IT_CHECK(q_stride >= Hq * D && kv_stride >= Hkv * D, "strides %lld and %lld are below a row's %lld and %lld",
             (long long)q_stride, (long long)kv_stride, (long long)(Hq * D), (long long)(Hkv * D));
    IT_CHECK(out && q && k && v && segments, "null address");
    const it_segment *segment = (const it_segment *)segments;
    for (int64_t i = 0; i < S; i++) {
        const it_segment &s = segment[i];
        IT_CHECK(s.q_len > 0 && s.k_len >= s.q_len && s.prefix_len >= 0 && s.k_start >= 0 && s.prefix_start >= 0,
                 "segment %lld: %d queries, %d keys from row %d, prefix of %d from row %d", (long long)i, s.q_len, s.k_len,
                 s.k_start, s.prefix_len, s.prefix_start);
        IT_CHECK(s.q_start >= 0 && (int64_t)s.q_start + s.q_len <= T, "segment %lld: queries %d + %d of %lld rows",
                 (long long)i, s.q_start, s.q_len, (long long)T);
        IT_CHECK(s.q_len <= max_q && (int64_t)s.prefix_len + s.k_len <= max_k,
                 "segment %lld: %d queries and %d + %d keys, but max_q = %lld, max_k = %lld", (long long)i, s.q_len,
                 s.prefix_len, s.k_len, (long long)max_q, (long long)max_k);
    }
    Forward f{(float *)out, (float *)lse, (const float *)q, q_stride, (const float *)k, (const float *)v, kv_stride,
              Hq,           Hkv,          D};
    try {
        std::vector<const it_segment *> single;
        std::vector<Item> items;
        for (const it_segment *s = segment; s < segment + S; s++) {
            if (s->q_len == 1) {
                single.push_back(s);
                continue;
            }
            int64_t last = (s->q_len * f.group() - 1) / CHUNK_ROWS * CHUNK_ROWS; // the longest work first
            for (int64_t row = last; row >= 0; row -= CHUNK_ROWS) {
                for (int64_t h = 0; h < Hkv; h++) items.push_back({s, h, row});
            }
        }
        if (!single.empty()) decode(f, single.data(), (int64_t)single.size());
        parallel_for_dynamic((int64_t)items.size(), CHUNK_ROWS * D, [&](int64_t i) {
            forward_chunk(f, *items[i].segment, items[i].kv_head, items[i].first_row);
        });
    } catch (const std::bad_alloc &) {
        return fail(IT_OUT_OF_MEMORY, __func__, "no memory for %lld segments", (long long)S);
    }
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA

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

#include <atomic>
#include <new>
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
    vf m[VECTORS], sum[VECTORS];
    for (int v = 0; v < VECTORS; v++) m[v] = block.m[v], sum[v] = zero();
    for (int j = 0; j < view.whole; j++) {
        for (int v = 0; v < VECTORS; v++) m[v] = max(load(s + j * ROWS + v * W), m[v]);
    }
    for (int j = view.whole; j < view.keys; j++) {
        for (int v = 0; v < VECTORS; v++) {
            m[v] = max(select(view.hidden(j, v), set1(LOWEST), load(s + j * ROWS + v * W)), m[v]);
        }
    }
    auto exponentials = [&](int j, auto hide) {
        for (int v = 0; v < VECTORS; v++) {
            vf x = hide(exp_negative(load(s + j * ROWS + v * W) - m[v]), v);
            store(s + j * ROWS + v * W, x);
            sum[v] = sum[v] + x;
        }
    };
    for (int j = 0; j < view.whole; j++) exponentials(j, [](vf x, int) { return x; });
    for (int j = view.whole; j < view.keys; j++) {
        exponentials(j, [&](vf x, int v) { return select(view.hidden(j, v), zero(), x); });
    }
    for (int v = 0; v < VECTORS; v++) {
        shrink[v] = exp_negative(block.m[v] - m[v]);
        block.l[v] = FIRST ? sum[v] : fma(block.l[v], shrink[v], sum[v]);
        block.m[v] = m[v];
    }
}

void attend(Block &block, const View &view, const float *k, const float *v, int64_t ld, float *s, int64_t D,
            bool first) {
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

/* Rows first .. first + CHUNK_ROWS - 1 of the q_len * group rows of a segment and key-value head; false: no memory. */
bool forward_chunk(const Forward &f, const it_segment &s, int64_t kv_head, int64_t first) {
    const int64_t D = f.D, ld = round_up(D, W), group = f.group(), end = s.q_len * group;
    const int blocks = (int)((end - first < CHUNK_ROWS ? end - first : CHUNK_ROWS) + ROWS - 1) / ROWS;
    Workspace memory(blocks * (D + ld) * ROWS + KEYS * (2 * ld + ROWS), 2 * blocks + 3);
    if (!memory) return false;
    float *k = memory.take(KEYS * ld), *v = memory.take(KEYS * ld), *scores = memory.take(KEYS * ROWS);
    auto key = [&](int64_t row) { return f.k + row * f.kv_stride + kv_head * D; };
    auto value = [&](int64_t row) { return f.v + row * f.kv_stride + kv_head * D; };

    Block block[CHUNK_ROWS / ROWS];
    const float *q[CHUNK_ROWS];
    int64_t i = first / group, g = first % group;
    for (int r = 0; r < blocks * ROWS; r++) {
        Block &x = block[r / ROWS];
        const int64_t t = s.q_start + i, head = kv_head * group + g;
        q[r] = f.q + t * f.q_stride + head * D;
        x.out[r % ROWS] = f.out + (t * f.heads + head) * D;
        x.lse[r % ROWS] = f.lse ? f.lse + t * f.heads + head : nullptr;
        x.visible[r % ROWS] = s.k_len - s.q_len + i;
        if (first + r >= end - 1) continue; // lanes left over repeat the last row
        if (++g == group) g = 0, i++;
    }
    const Tiles tiles(s, block[blocks - 1].visible[ROWS - 1]);
    for (int b = 0; b < blocks; b++) {
        Block &x = block[b];
        x.q = memory.take(D * ROWS);
        x.result = memory.take(ld * ROWS);
        x.count = (int)(end - first - b * ROWS < ROWS ? end - first - b * ROWS : ROWS);
        load_transposed(x.q, q + b * ROWS, D, f.scale());
        for (int v = 0; v < VECTORS; v++) x.m[v] = set1(LOWEST), x.l[v] = zero();
    }
    for (int64_t n = 0; n < tiles.size(); n++) {
        const Tile tile = tiles[n];
        const int padded = (int)round_up(tile.count, PANEL);
        load_tile(k, ld, key(tile.first), f.kv_stride, tile.count, padded, D);
        load_tile(v, ld, value(tile.first), f.kv_stride, tile.count, padded, D);
        for (int b = 0; b < blocks; b++) {
            // Every row sees something of the first tile: the prefix, or its own key 0.
            View view(tile, block[b].visible);
            if (view.keys > 0) attend(block[b], view, k, v, ld, scores, D, n == 0);
        }
    }
    for (int b = 0; b < blocks; b++) finish(block[b], D);
    return true;
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
    IT_CHECK(Hkv > 0 && Hq > 0 && Hq % Hkv == 0, "%lld query heads, %lld key-value heads", (long long)Hq,
             (long long)Hkv);
    IT_CHECK(D >= 2 && D <= 256 && D % 2 == 0, "head size %lld is not an even number up to 256", (long long)D);
    IT_CHECK(q_stride >= Hq * D && kv_stride >= Hkv * D, "strides %lld and %lld are below a row's %lld and %lld",
             (long long)q_stride, (long long)kv_stride, (long long)(Hq * D), (long long)(Hkv * D));
    IT_CHECK(out && q && k && v && segments, "null address");
    const it_segment *segment = (const it_segment *)segments;
    for (int64_t i = 0; i < S; i++) {
        const it_segment &s = segment[i];
        IT_CHECK(s.q_len > 0 && s.k_len >= s.q_len && s.prefix_len >= 0 && s.k_start >= 0 && s.prefix_start >= 0,
                 "segment %lld: %d queries, %d keys from row %d, prefix of %d from row %d", (long long)i, s.q_len,
                 s.k_len, s.k_start, s.prefix_len, s.prefix_start);
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
        int64_t work = 0;
        for (const it_segment *s = segment; s < segment + S; s++) {
            if (s->q_len == 1) {
                single.push_back(s);
                continue;
            }
            work += s->q_len * Hq * ((int64_t)s->prefix_len + s->k_len) * D;
            int64_t last = (s->q_len * f.group() - 1) / CHUNK_ROWS * CHUNK_ROWS; // the longest work first
            for (int64_t row = last; row >= 0; row -= CHUNK_ROWS) {
                for (int64_t h = 0; h < Hkv; h++) items.push_back({s, h, row});
            }
        }
        std::atomic<bool> done = single.empty() || decode(f, single.data(), (int64_t)single.size());
        const int64_t count = (int64_t)items.size();
        parallel_for_dynamic(count, work / (count + 1), [&](int64_t i) {
            if (!forward_chunk(f, *items[i].segment, items[i].kv_head, items[i].first_row)) done = false;
        });
        if (done) return IT_OK;
    } catch (const std::bad_alloc &) {
    }
    return fail(IT_OUT_OF_MEMORY, __func__, "no memory for %lld segments of head size %lld", (long long)S,
                (long long)D);
}

} // namespace intuitor::INTUITOR_ISA

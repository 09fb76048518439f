/*
 * Attention, forward:  out = softmax(q k^T / sqrt(D)) v  over packed segments with shared prefixes.
 *
 * FlashAttention-2 (Dao 2023, arXiv 2307.08691), algorithm 1, on vectors (attention.h): a work item is up to
 * CHUNK_ROWS query rows of one (segment, key-value head). It walks the tiles of keys once and keeps for each row
 *     m  the largest score so far,   l = sum_j exp(s_j - m),   O = sum_j exp(s_j - m) v_j,
 * rescaling l and O by exp(m_old - m_new) as m grows; at the end out = O / l and lse = m + log l. Nothing
 * overflows, however large the scores: no exponent is positive. Every SPLIT keys they begin anew and what they were is
 * merged into those of the splits before, because decoding lets several threads share out a sequence's splits.
 *
 * A segment with a single query has too few rows to fill a vector and goes to attention_decode.cpp.
 */
#include "attention.h"

#include <atomic>
#include <new>
#include <utility>
#include <vector>

#include "error.h"
#include "kernels.h"
#include "parallel.h"

namespace intuitor::INTUITOR_ISA {

using namespace attention;

namespace {

constexpr int CHUNK_ROWS = 256; // query rows of a work item: its queries and results stay in the second-level cache

/* One block of rows: its queries, the running softmax of a split, and that of the splits before it. */
struct Block {
    float *q;              // [D][ROWS], scaled
    float *result, *total; // O^T [D rounded up to W][ROWS]; total may be null where there is one split
    vf m[VECTORS], l[VECTORS], total_m[VECTORS], total_l[VECTORS];
    int64_t split; // the number of the present one
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

/* Adds the split that has ended to the total, of which the first one is the beginning. */
void end_split(Block &block, int64_t D) {
    if (block.split++ == 0) {
        std::swap(block.result, block.total);
        for (int v = 0; v < VECTORS; v++) block.total_m[v] = block.m[v], block.total_l[v] = block.l[v];
        return;
    }
    vf x[VECTORS], y[VECTORS];
    for (int v = 0; v < VECTORS; v++) merge(block.total_m[v], block.total_l[v], block.m[v], block.l[v], x[v], y[v]);
    for (int64_t d = 0; d < D; d++) {
        for (int v = 0; v < VECTORS; v++) {
            float *total = block.total + d * ROWS + v * W;
            store(total, fma(load(block.result + d * ROWS + v * W), y[v], load(total) * x[v]));
        }
    }
}

void finish(Block &block, int64_t D) {
    if (block.split > 0) {
        end_split(block, D);
        std::swap(block.result, block.total);
        for (int v = 0; v < VECTORS; v++) block.m[v] = block.total_m[v], block.l[v] = block.total_l[v];
    }
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

/* dst [padded][ld] = the keys or values `first` .. `first + count - 1` of a segment, filled up with zeros. */
void load_keys(const Forward &f, const it_segment &s, float *dst, int64_t ld, const float *matrix, int64_t first,
               int count, int padded) {
    for_each_run(f, s, first, first + count, [&](int64_t i, int64_t row, int64_t n) {
        const bool last = i + n == count;
        load_tile(dst + i * ld, ld, matrix + row * f.kv_stride, f.kv_stride, (int)n, last ? padded - (int)i : (int)n,
                  f.D);
    });
}

/* Rows first .. first + CHUNK_ROWS - 1 of the q_len * group rows of a segment and key-value head; false: no memory. */
bool forward_chunk(const Forward &f, const it_segment &s, int64_t kv_head, int64_t first) {
    const int64_t D = f.D, ld = round_up(D, W), group = f.group(), end = s.q_len * group;
    const int blocks = (int)((end - first < CHUNK_ROWS ? end - first : CHUNK_ROWS) + ROWS - 1) / ROWS;
    const int64_t last_row = (end < first + CHUNK_ROWS ? end : first + CHUNK_ROWS) - 1;
    const int64_t keys = key_count(s) - s.q_len + last_row / group + 1; // that the last row sees, and none sees more
    const int results = keys > SPLIT ? 2 : 1;
    Workspace memory(blocks * (D + results * ld) * ROWS + KEYS * (2 * ld + ROWS), (1 + results) * blocks + 3);
    if (!memory) return false;
    float *k = memory.take(KEYS * ld), *v = memory.take(KEYS * ld), *scores = memory.take(KEYS * ROWS);

    Block block[CHUNK_ROWS / ROWS];
    const float *q[CHUNK_ROWS];
    int64_t i = first / group, g = first % group;
    for (int r = 0; r < blocks * ROWS; r++) {
        Block &x = block[r / ROWS];
        const int64_t t = s.q_start + i, head = kv_head * group + g;
        q[r] = f.q + t * f.q_stride + head * D;
        x.out[r % ROWS] = f.out + (t * f.heads + head) * D;
        x.lse[r % ROWS] = f.lse ? f.lse + t * f.heads + head : nullptr;
        x.visible[r % ROWS] = key_count(s) - s.q_len + i;
        if (first + r >= end - 1) continue; // lanes left over repeat the last row
        if (++g == group) g = 0, i++;
    }
    for (int b = 0; b < blocks; b++) {
        Block &x = block[b];
        x.q = memory.take(D * ROWS);
        x.result = memory.take(ld * ROWS);
        x.total = results > 1 ? memory.take(ld * ROWS) : nullptr;
        x.split = 0;
        x.count = (int)(end - first - b * ROWS < ROWS ? end - first - b * ROWS : ROWS);
        load_transposed(x.q, q + b * ROWS, D, f.scale());
    }
    for (int64_t key = 0; key < keys; key += KEYS) {
        const Tile tile{0, (int)(keys - key < KEYS ? keys - key : KEYS), key};
        const int padded = (int)round_up(tile.count, PANEL);
        load_keys(f, s, k, ld, f.k + kv_head * D, key, tile.count, padded);
        load_keys(f, s, v, ld, f.v + kv_head * D, key, tile.count, padded);
        for (int b = 0; b < blocks; b++) {
            // Every row sees something of the first tile: key 0.
            Block &x = block[b];
            View view(tile, x.visible);
            if (view.keys == 0) continue;
            if (key / SPLIT > x.split) end_split(x, D);
            if (key % SPLIT == 0) {
                for (int i = 0; i < VECTORS; i++) x.m[i] = set1(LOWEST), x.l[i] = zero();
            }
            attend(x, view, k, v, ld, scores, D, key % SPLIT == 0);
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
    if (int status = check_shape(__func__, Hq, Hkv, D, q_stride, kv_stride)) return status;
    IT_CHECK(out && q && k && v && segments, "null address");
    const it_segment *segment = (const it_segment *)segments;
    if (int status = check_segments(__func__, segment, S, T, max_q, max_k)) return status;
    Forward f{(float *)out, (float *)lse, (const float *)q, q_stride, (const float *)k, (const float *)v, kv_stride,
              Hq,           Hkv,          D,                nullptr,  0};
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

/*
 * Attention, backward, for packed training batches whose segments share prefixes by families.
 *
 * FlashAttention-2 (Dao 2023, arXiv 2307.08691), algorithm 2: with s = scale q k^T and lse from the forward pass,
 *     P = exp(s - lse)            recomputed, so that no [T, T] matrix is kept
 *     dV = P^T dO,  dP = dO V^T,  delta = rowsum(dO * O)
 *     dS = P * (dP - delta)
 *     dQ = scale dS K,  dK = scale dS^T Q.
 *
 * The keys of a prefix collect gradients from every sibling. Therefore one work item is a whole (family, key-value
 * head): one thread adds the contributions in the order of the family's segments, and the bits depend neither on the
 * number of threads nor on the other families. The order of loops is row chunks, then tiles of keys, then blocks of
 * rows: dQ^T of a chunk stays in the second-level cache, dK and dV of a tile in the first. delta is computed where it
 * is used: the workspace of the ABI is for devices that need a pass of its own for it.
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

struct Backward {
    float *dqkv;
    const float *dout, *qkv, *out, *lse;
    const it_segment *segments;
    int64_t heads, kv_heads, D;

    int64_t group() const { return heads / kv_heads; }
    int64_t stride() const { return (heads + 2 * kv_heads) * D; }
    float scale() const { return (float)(1.0 / __builtin_sqrt((double)D)); }
    /* Where the keys and values of a key-value head are in a row of qkv. */
    int64_t key(int64_t kv_head) const { return (heads + kv_head) * D; }
    int64_t value(int64_t kv_head) const { return (heads + kv_heads + kv_head) * D; }
};

/* The tiles of a segment that a query which sees its own keys up to `last` can see, in order: of the prefix, of which
   every query sees all, then its own. The two are told apart here, because their gradients go to different places. */
class Tiles {
  public:
    Tiles(const it_segment &s, int64_t last) : s(s), of_prefix(count(s.prefix_len)), all(of_prefix + count(last + 1)) {}
    int64_t size() const { return all; }
    Tile operator[](int64_t n) const {
        const bool prefix = n < of_prefix;
        const int64_t j = (prefix ? n : n - of_prefix) * KEYS, left = (prefix ? s.prefix_len : s.k_len) - j;
        return {(prefix ? s.prefix_start : s.k_start) + j, (int)(left < KEYS ? left : KEYS), prefix ? -1 : j};
    }

  private:
    static int64_t count(int64_t keys) { return (keys + KEYS - 1) / KEYS; }
    const it_segment &s;
    int64_t of_prefix, all;
};

/* Query rows of a chunk: five matrices of them have to fit the second-level cache. */
constexpr int MAX_CHUNK_ROWS = 256;
inline int64_t chunk_rows(int64_t D) { return D <= 64 ? MAX_CHUNK_ROWS : MAX_CHUNK_ROWS / 2; }

/* A block of query rows. "Across": [D][ROWS], rows as lanes; "along": [ROWS][ld], rows as rows. */
struct Block {
    float *q_across, *dout_across; // the queries times scale()
    float *q_along, *dout_along;   // the queries times scale()
    float *dq_across;              // [ld][ROWS], without its scale()
    vf lse[VECTORS], delta[VECTORS];
    int64_t visible[ROWS];
    float *dq[ROWS];
    int count;
};

/* A tile of keys and values and their gradients, [KEYS][ld] each. */
struct TileData {
    float *k, *v, *dk, *dv;
};

float dot(const float *a, const float *b, int64_t D) {
    vf sum = zero();
    each_vector(D, [&](int64_t d, auto n) { sum = fma(load(a + d, n), load(b + d, n), sum); });
    return reduce_add(sum);
}

/* Rows start .. start + ROWS - 1 of the q_len * group rows of a segment; lanes left over are rows of zeros. */
void load_block(const Backward &f, const it_segment &s, int64_t kv_head, int64_t start, const float *zeros,
                Block &block) {
    const int64_t D = f.D, ld = round_up(D, W), group = f.group(), end = s.q_len * group;
    block.count = (int)(end - start < ROWS ? end - start : ROWS);
    const float *q[ROWS], *dout[ROWS];
    alignas(64) float lse[ROWS] = {}, delta[ROWS] = {};
    int64_t i = start / group, g = start % group;
    for (int r = 0; r < block.count; r++) {
        const int64_t t = s.q_start + i, head = kv_head * group + g;
        q[r] = f.qkv + t * f.stride() + head * D;
        dout[r] = f.dout + (t * f.heads + head) * D;
        delta[r] = dot(dout[r], f.out + (t * f.heads + head) * D, D);
        block.dq[r] = f.dqkv + t * f.stride() + head * D;
        block.visible[r] = i;
        lse[r] = f.lse[t * f.heads + head];
        if (++g == group) g = 0, i++;
    }
    for (int r = block.count; r < ROWS; r++) q[r] = dout[r] = zeros, block.visible[r] = s.k_len - 1;
    load_transposed(block.q_across, q, D, f.scale());
    load_transposed(block.dout_across, dout, D, 1.0f);
    for (int r = 0; r < ROWS; r++) {
        load_tile(block.q_along + r * ld, ld, q[r], 0, 1, 1, D);
        load_tile(block.dout_along + r * ld, ld, dout[r], 0, 1, 1, D);
    }
    const vf scale = set1(f.scale());
    for (int64_t i = 0; i < ROWS * ld; i += W) store(block.q_along + i, load(block.q_along + i) * scale);
    for (int64_t i = 0; i < ROWS * ld; i += W) store(block.dq_across + i, zero());
    for (int v = 0; v < VECTORS; v++) block.lse[v] = load(lse + v * W), block.delta[v] = load(delta + v * W);
}

/* c [m][ld] += a [m][ROWS] b [ROWS][ld] */
void add_over_rows(int m, float *c, const float *a, const float *b, int64_t ld) {
    int64_t d = 0;
    for (; d + VECTORS * W <= ld; d += VECTORS * W) {
        multiply<VECTORS, Start::ADD>(m, c + d, ld, a, ROWS, 1, b + d, ld, ROWS);
    }
    for (; d < ld; d += W) multiply<1, Start::ADD>(m, c + d, ld, a, ROWS, 1, b + d, ld, ROWS);
}

/* At most 1: with scores so large that a last bit of lse is a factor of many, still finite. A NaN stays. */
inline vf probability(vf score, vf lse) { return exp_negative(min(zero(), score - lse)); }

/* What one block of rows and one tile of keys give each other. p and ds: [KEYS][ROWS]. */
void exchange(const Block &block, const View &view, const TileData &tile, int64_t D, float *p, float *ds) {
    const int64_t ld = round_up(D, W);
    multiply<VECTORS, Start::ZERO>(view.padded, p, ROWS, tile.k, ld, 1, block.q_across, ROWS, (int)D);
    multiply<VECTORS, Start::ZERO>(view.padded, ds, ROWS, tile.v, ld, 1, block.dout_across, ROWS, (int)D);
    auto differentiate = [&](int j, auto hide) {
        for (int v = 0; v < VECTORS; v++) {
            float *pv = p + j * ROWS + v * W, *dv = ds + j * ROWS + v * W;
            vf x = hide(probability(load(pv), block.lse[v]), v);
            store(pv, x);
            store(dv, x * (load(dv) - block.delta[v]));
        }
    };
    for (int j = 0; j < view.whole; j++) differentiate(j, [](vf x, int) { return x; });
    for (int j = view.whole; j < view.padded; j++) {
        differentiate(j, [&](vf x, int v) { return select(view.hidden(j, v), zero(), x); });
    }
    add_over_rows(view.padded, tile.dv, p, block.dout_along, ld);
    add_over_rows(view.padded, tile.dk, ds, block.q_along, ld);
    multiply<VECTORS, Start::ADD>(D, block.dq_across, ROWS, tile.k, 1, ld, ds, ROWS, view.keys);
}

/* Rows first .. first + rows - 1 of a segment and key-value head; false: no memory. */
bool backward_chunk(const Backward &f, const it_segment &s, int64_t kv_head, int64_t first, int64_t rows) {
    const int64_t D = f.D, ld = round_up(D, W), stride = f.stride();
    const int blocks = (int)((rows + ROWS - 1) / ROWS);
    Workspace memory(ld + blocks * ROWS * 5 * ld + KEYS * (4 * ld + 2 * ROWS), 7 + 5 * blocks);
    if (!memory) return false;
    float *zeros = memory.take(ld), *p = memory.take(KEYS * ROWS), *ds = memory.take(KEYS * ROWS);
    for (int64_t d = 0; d < ld; d++) zeros[d] = 0;
    TileData data{memory.take(KEYS * ld), memory.take(KEYS * ld), memory.take(KEYS * ld), memory.take(KEYS * ld)};
    const Tiles tiles(s, (first + rows - 1) / f.group());

    Block block[MAX_CHUNK_ROWS / ROWS];
    for (int b = 0; b < blocks; b++) {
        Block &x = block[b];
        for (float **m : {&x.q_across, &x.dout_across, &x.q_along, &x.dout_along, &x.dq_across}) {
            *m = memory.take(ROWS * ld);
        }
        load_block(f, s, kv_head, first + b * ROWS, zeros, x);
    }
    for (int64_t n = 0; n < tiles.size(); n++) {
        const Tile tile = tiles[n];
        const int padded = (int)round_up(tile.count, PANEL);
        const int64_t k = tile.first * stride + f.key(kv_head), v = tile.first * stride + f.value(kv_head);
        load_tile(data.k, ld, f.qkv + k, stride, tile.count, padded, D);
        load_tile(data.v, ld, f.qkv + v, stride, tile.count, padded, D);
        load_tile(data.dk, ld, f.dqkv + k, stride, tile.count, padded, D);
        load_tile(data.dv, ld, f.dqkv + v, stride, tile.count, padded, D);
        for (int b = 0; b < blocks; b++) {
            View view(tile, block[b].visible);
            if (view.keys > 0) exchange(block[b], view, data, D, p, ds);
        }
        store_tile(f.dqkv + k, stride, data.dk, ld, tile.count, D);
        store_tile(f.dqkv + v, stride, data.dv, ld, tile.count, D);
    }
    const vf scale[VECTORS] = {set1(f.scale()), set1(f.scale())};
    for (int b = 0; b < blocks; b++) store_transposed(block[b].dq, block[b].count, block[b].dq_across, D, scale);
    return true;
}

/* Segments begin .. end - 1, one key-value head; false: no memory. */
bool backward_family(const Backward &f, int64_t begin, int64_t end, int64_t kv_head) {
    for (const it_segment *s = f.segments + begin; s < f.segments + end; s++) {
        for (int64_t t = s->q_start; t < (int64_t)s->q_start + s->q_len; t++) {
            float *row = f.dqkv + t * f.stride();
            for (int64_t d = 0; d < f.D; d++) row[f.key(kv_head) + d] = row[f.value(kv_head) + d] = 0;
        }
    }
    const int64_t chunk = chunk_rows(f.D);
    for (const it_segment *s = f.segments + begin; s < f.segments + end; s++) {
        const int64_t rows = s->q_len * f.group();
        for (int64_t r = 0; r < rows; r += chunk) {
            if (!backward_chunk(f, *s, kv_head, r, rows - r < chunk ? rows - r : chunk)) return false;
        }
    }
    return true;
}

} // namespace

int attention_backward(it_addr dqkv, it_addr, it_addr dout, it_addr qkv, it_addr out, it_addr lse, it_addr segments,
                       int64_t S, it_addr families, int64_t NF, int64_t max_q, int64_t max_k, int64_t T, int64_t Hq,
                       int64_t Hkv, int64_t D, int32_t dtype, it_stream) {
    IT_CHECK_F32(dtype);
    IT_CHECK(S >= 0 && NF >= 0 && T >= 0, "S = %lld, NF = %lld, T = %lld", (long long)S, (long long)NF, (long long)T);
    if (T == 0) return IT_OK;
    IT_CHECK(Hkv > 0 && Hq > 0 && Hq % Hkv == 0, "%lld query heads, %lld key-value heads", (long long)Hq,
             (long long)Hkv);
    IT_CHECK(D >= 2 && D <= 256 && D % 2 == 0, "head size %lld is not an even number up to 256", (long long)D);
    IT_CHECK(dqkv && dout && qkv && out && lse && segments && families, "null address");
    const it_segment *segment = (const it_segment *)segments;
    const int32_t *family = (const int32_t *)families;
    IT_CHECK(family[0] == 0 && family[NF] == S, "families span segments %d to %d of %lld", family[0], family[NF],
             (long long)S);
    Backward f{(float *)dqkv, (const float *)dout, (const float *)qkv, (const float *)out, (const float *)lse,
               segment,       Hq,                  Hkv,                D};
    try {
        std::vector<bool> covered((size_t)T);
        for (int64_t n = 0; n < NF; n++) {
            IT_CHECK(family[n] < family[n + 1] && family[n + 1] <= S, "family %lld: segments %d to %d", (long long)n,
                     family[n], family[n + 1]);
            const it_segment &parent = segment[family[n]];
            for (int32_t i = family[n]; i < family[n + 1]; i++) {
                const it_segment &s = segment[i];
                IT_CHECK(s.q_len > 0 && s.q_start >= 0 && (int64_t)s.q_start + s.q_len <= T,
                         "segment %d: queries %d + %d of %lld rows", i, s.q_start, s.q_len, (long long)T);
                IT_CHECK(s.k_start == s.q_start && s.k_len == s.q_len,
                         "segment %d: keys %d + %d are not its queries %d + %d", i, s.k_start, s.k_len, s.q_start,
                         s.q_len);
                IT_CHECK(s.prefix_len >= 0 && (i != family[n] || s.prefix_len == 0), "segment %d: prefix of %d", i,
                         s.prefix_len);
                IT_CHECK(s.prefix_len == 0 || (s.prefix_start >= parent.q_start &&
                                               (int64_t)s.prefix_start + s.prefix_len <= parent.q_start + parent.q_len),
                         "segment %d: prefix %d + %d is not of its family's first segment, %d + %d", i, s.prefix_start,
                         s.prefix_len, parent.q_start, parent.q_len);
                IT_CHECK(s.q_len <= max_q && (int64_t)s.prefix_len + s.k_len <= max_k,
                         "segment %d: %d queries and %d + %d keys, but max_q = %lld, max_k = %lld", i, s.q_len,
                         s.prefix_len, s.k_len, (long long)max_q, (long long)max_k);
                for (int32_t t = s.q_start; t < s.q_start + s.q_len; t++) {
                    IT_CHECK(!covered[t], "row %d belongs to two segments", t);
                    covered[t] = true;
                }
            }
        }
        for (int64_t t = 0; t < T; t++) {
            float *row = f.dqkv + t * f.stride();
            for (int64_t d = 0; !covered[t] && d < f.stride(); d++) row[d] = 0; // in no segment: no gradient
        }
        std::atomic<bool> done = true;
        parallel_for_dynamic(NF * Hkv, T * D, [&](int64_t i) {
            if (!backward_family(f, family[i / Hkv], family[i / Hkv + 1], i % Hkv)) done = false;
        });
        if (done) return IT_OK;
    } catch (const std::bad_alloc &) {
    }
    return fail(IT_OUT_OF_MEMORY, __func__, "no memory for %lld rows of head size %lld", (long long)T, (long long)D);
}

} // namespace intuitor::INTUITOR_ISA

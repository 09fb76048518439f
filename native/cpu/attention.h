/*
 * What the attention kernels share: tiles of keys, blocks of query rows, and one register-blocked matrix product.
 *
 * The lanes of a vector are query rows. A row is a (query, head) pair of one key-value head's group, heads innermost,
 * so grouped heads share every key that is read. With queries transposed once ([D][ROWS]), the scores of a tile are
 * S^T [keys][ROWS] = K Q^T: the keys are broadcast as they lie in memory, the softmax over keys runs down the lanes
 * without a single shuffle, and O^T [D][ROWS] = V^T P^T takes S^T where it stands. Nothing depends on D being a
 * multiple of the vector.
 *
 * Forward, keys come in tiles of KEYS, counted from position 0 of the sequence, prefix or own alike; each split of
 * SPLIT keys has a softmax of its own, and the splits' results are merged in order. A lane never sees its neighbours,
 * and decoding adds up in the same order as the forward pass. Therefore the bits of a row depend on the keys that it
 * sees and on nothing else: neither on the batch, nor on what is prefix and what is own, nor on which kernel computes
 * it.
 */
#pragma once
#include <cstdint>
#include <utility>

#include "error.h"
#include "intuitor.h"
#include "scratch.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA::attention {

constexpr int VECTORS = 2, ROWS = VECTORS * W; // query rows of a block
constexpr int KEYS = 64;                       // keys of a tile
constexpr int SPLIT = 4 * KEYS;                // keys that share a softmax before merging
constexpr int PANEL = W == 16 ? 8 : 4;         // rows of a product that are held in registers, VECTORS vectors each
static_assert(KEYS % PANEL == 0 && W % PANEL == 0);

constexpr float LOWEST = -3.40282347e38f; // stands for minus infinity: differences of it are never NaN

inline int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* The calling thread's scratch memory, handed out in aligned pieces; false where there is none. */
class Workspace {
  public:
    Workspace(int64_t floats, int64_t pieces) : next((float *)scratch((floats + 16 * pieces) * sizeof(float))) {}
    explicit operator bool() const { return next; }
    float *take(int64_t floats) {
        float *piece = next;
        next += round_up(floats, 16);
        return piece;
    }

  private:
    float *next;
};

/* dst [padded][ld] = rows of D floats at src, filled up with zeros. */
inline void load_tile(float *dst, int64_t ld, const float *src, int64_t stride, int count, int padded, int64_t D) {
    for (int i = 0; i < count; i++, dst += ld, src += stride) {
        each_vector(D, [=](int64_t d, auto n) { store(dst + d, load(src + d, n)); });
    }
    for (int64_t i = 0; i < (padded - count) * ld; i += W) store(dst + i, zero());
}

inline void store_tile(float *dst, int64_t stride, const float *src, int64_t ld, int count, int64_t D) {
    for (int i = 0; i < count; i++, dst += stride, src += ld) {
        each_vector(D, [=](int64_t d, auto n) { store(dst + d, load(src + d), n); });
    }
}

/* e^x for x <= 0, relative error below 2e-7 + 6e-8 |x|; never below 1e-38, NaN gives NaN. Half of exp's work:
   e^x = 2^n 2^f with n + f = x log2 e, whose rounding matters little where e^x is small; adding `magic` rounds to n and
   leaves the bits of 2^n ready to be shifted into place; 2^f, |f| <= 1/2, is a minimax polynomial, 1 at 0. */
inline vf exp_negative(vf x) {
    const vf log2_e = set1(1.44269504f), magic = set1(12582912.0f + 127.0f); // 1.5 * 2^23 + exponent bias
    x = max(set1(-87.0f), x);
    const vf shifted = fma(x, log2_e, magic);
    const vf f = fma(x, log2_e, magic - shifted);
    vf p = set1(1.326472731e-3f);
    p = fma(p, f, set1(9.671512991e-3f));
    p = fma(p, f, set1(5.550733581e-2f));
    p = fma(p, f, set1(2.402224243e-1f));
    p = fma(p, f, set1(6.931470037e-1f));
    p = fma(p, f, set1(1.0f));
    return p * as_float(as_int(shifted) << 23);
}

/* ---- transposition --------------------------------------------------------------------------------------------- */

/* In blocks of 2 H lanes: the lower (upper) halves of a's and b's block, side by side. */
template <int H, int... I> inline vf lower(vf a, vf b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, ((I / H) % 2 ? W + I - H : I)...);
}
template <int H, int... I> inline vf upper(vf a, vf b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, ((I / H) % 2 ? W + I : I + H)...);
}
template <int H> inline vf lower(vf a, vf b) { return lower<H>(a, b, std::make_integer_sequence<int, W>()); }
template <int H> inline vf upper(vf a, vf b) { return upper<H>(a, b, std::make_integer_sequence<int, W>()); }

template <int H> inline void transpose_step(vf *x) {
    if constexpr (H > 0) {
#pragma GCC unroll 16
        for (int i = 0; i < W; i++) {
            if (i & H) continue;
            vf a = x[i], b = x[i + H];
            x[i] = lower<H>(a, b);
            x[i + H] = upper<H>(a, b);
        }
        transpose_step<H / 2>(x);
    }
}

/* x [W][W], in place. */
inline void transpose(vf *x) { transpose_step<W / 2>(x); }

/* Lane i of the result: the sum of x[i]'s lanes, added in the same order for every i. Destroys x. */
template <int H = W / 2> inline vf reduce_each(vf *x) {
    if constexpr (H == 0) return x[0];
    else {
#pragma GCC unroll 16
        for (int i = 0; i < H; i++) x[i] = lower<H>(x[i], x[i + H]) + upper<H>(x[i], x[i + H]);
        return reduce_each<H / 2>(x);
    }
}

/* dst [D][ROWS] = factor * the ROWS rows, transposed. */
inline void load_transposed(float *dst, const float *const *rows, int64_t D, float factor) {
    for (int v = 0; v < VECTORS; v++) {
        for (int64_t d = 0; d < D; d += W) {
            int n = D - d < W ? (int)(D - d) : W;
            vf x[W];
#pragma GCC unroll 16
            for (int i = 0; i < W; i++) {
                const float *p = rows[v * W + i] + d;
                x[i] = (n == W ? load(p) : load_partial(p, n)) * set1(factor);
            }
            transpose(x);
            if (n == W) {
#pragma GCC unroll 16
                for (int i = 0; i < W; i++) store(dst + (d + i) * ROWS + v * W, x[i]);
            } else {
                for (int i = 0; i < n; i++) store(dst + (d + i) * ROWS + v * W, x[i]);
            }
        }
    }
}

/* The first `count` rows = transpose of src [D][ROWS], row i times factor[i] (VECTORS vectors). src has room for D
   rounded up to W rows. */
inline void store_transposed(float *const *rows, int count, const float *src, int64_t D, const vf *factor) {
    for (int v = 0; v < VECTORS && v * W < count; v++) {
        int m = count - v * W < W ? count - v * W : W;
        for (int64_t d = 0; d < D; d += W) {
            int n = D - d < W ? (int)(D - d) : W;
            vf x[W];
#pragma GCC unroll 16
            for (int i = 0; i < W; i++) x[i] = load(src + (d + i) * ROWS + v * W) * factor[v];
            transpose(x);
            if (m == W && n == W) {
#pragma GCC unroll 16
                for (int i = 0; i < W; i++) store(rows[v * W + i] + d, x[i]);
            } else {
                for (int i = 0; i < m; i++) store_partial(rows[v * W + i] + d, x[i], n);
            }
        }
    }
}

/* ---- the matrix product ------------------------------------------------------------------------------------------ */

enum class Start { ZERO, ADD, SCALE };

/* c[i][0..V W) = start + sum_k a[i * ai + k * ak] * b[k][0..V W), for N rows i; start is 0, c, or c * factor. */
template <int V, Start START, int N = PANEL>
inline void multiply_panel(float *c, int64_t ldc, const float *a, int64_t ai, int64_t ak, const float *b, int64_t ldb,
                           int k, const vf *factor) {
    vf sum[N][V];
#pragma GCC unroll 8
    for (int i = 0; i < N; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            if constexpr (START == Start::ZERO) sum[i][v] = zero();
            else sum[i][v] = load(c + i * ldc + v * W);
            if constexpr (START == Start::SCALE) sum[i][v] = sum[i][v] * factor[v];
        }
    }
    for (int j = 0; j < k; j++, a += ak, b += ldb) {
        vf x[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) x[v] = load(b + v * W);
#pragma GCC unroll 8
        for (int i = 0; i < N; i++) {
            vf y = set1(a[i * ai]);
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) sum[i][v] = fma(y, x[v], sum[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < N; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) store(c + i * ldc + v * W, sum[i][v]);
    }
}

/* The same for m rows, rounded up to PANEL. */
template <int V, Start START>
inline void multiply(int64_t m, float *c, int64_t ldc, const float *a, int64_t ai, int64_t ak, const float *b,
                     int64_t ldb, int k, const vf *factor = nullptr) {
    for (int64_t i = 0; i < m; i += PANEL) {
        multiply_panel<V, START>(c + i * ldc, ldc, a + i * ai, ai, ak, b, ldb, k, factor);
    }
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

/* The keys of one tile: rows first .. first + count - 1. Key j is at position offset + j of those that are causal; an
   offset of -1 stands for keys that every query sees. */
struct Tile {
    int64_t first;
    int count;
    int64_t offset;
};

/* What the rows of a block see of a tile: keys [0, whole) all rows, [whole, keys) some, the rest none. limit[r]: the
   last key that row r sees, set where whole < padded = keys rounded up to PANEL. */
struct View {
    int keys, whole, padded;
    alignas(64) float limit[ROWS];

    /* visible[r]: the last causal key that row r sees, ascending. */
    View(const Tile &tile, const int64_t *visible) {
        auto seen = [&](int r) {
            int64_t n = tile.offset < 0 ? tile.count : visible[r] + 1 - tile.offset;
            return (int)(n < 0 ? 0 : n > tile.count ? tile.count : n);
        };
        keys = seen(ROWS - 1);
        whole = seen(0);
        padded = (int)round_up(keys, PANEL);
        if (whole < padded) {
            for (int r = 0; r < ROWS; r++) limit[r] = (float)(seen(r) - 1);
        }
    }
    vm hidden(int key, int v) const { return less(load(limit + v * W), set1((float)key)); }
};

/* ---- arguments --------------------------------------------------------------------------------------------------- */

/* Of a forward pass. */
inline int check_shape(const char *function, int64_t Hq, int64_t Hkv, int64_t D, int64_t q_stride, int64_t kv_stride) {
    if (Hkv <= 0 || Hq <= 0 || Hq % Hkv) {
        return fail(IT_INVALID, function, "%lld query heads, %lld key-value heads", (long long)Hq, (long long)Hkv);
    }
    if (D < 2 || D > 256 || D % 2) {
        return fail(IT_INVALID, function, "head size %lld is not an even number up to 256", (long long)D);
    }
    if (q_stride < Hq * D || kv_stride < Hkv * D) {
        return fail(IT_INVALID, function, "strides %lld and %lld are below a row's %lld and %lld", (long long)q_stride,
                    (long long)kv_stride, (long long)(Hq * D), (long long)(Hkv * D));
    }
    return IT_OK;
}
inline int check_segments(const char *function, const it_segment *segments, int64_t S, int64_t T, int64_t max_q,
                          int64_t max_k) {
    for (int64_t i = 0; i < S; i++) {
        const it_segment &s = segments[i];
        if (s.q_len <= 0 || s.k_len < s.q_len || s.prefix_len < 0 || s.k_start < 0 || s.prefix_start < 0) {
            return fail(IT_INVALID, function, "segment %lld: %d queries, %d keys from row %d, prefix of %d from row %d",
                        (long long)i, s.q_len, s.k_len, s.k_start, s.prefix_len, s.prefix_start);
        }
        if (s.q_start < 0 || (int64_t)s.q_start + s.q_len > T) {
            return fail(IT_INVALID, function, "segment %lld: queries %d + %d of %lld rows", (long long)i, s.q_start,
                        s.q_len, (long long)T);
        }
        if (s.q_len > max_q || (int64_t)s.prefix_len + s.k_len > max_k) {
            return fail(IT_INVALID, function,
                        "segment %lld: %d queries and %d + %d keys, but max_q = %lld, max_k = %lld", (long long)i,
                        s.q_len, s.prefix_len, s.k_len, (long long)max_q, (long long)max_k);
        }
    }
    return IT_OK;
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

struct Forward {
    float *out, *lse; // lse may be null
    const float *q;
    int64_t q_stride;
    const float *k, *v;
    int64_t kv_stride;
    int64_t heads, kv_heads, D;
    const int32_t *pages; // of k and v; null: they are not paged
    int64_t page_size;

    int64_t group() const { return heads / kv_heads; }
    float scale() const { return (float)(1.0 / __builtin_sqrt((double)D)); }
};

inline int64_t key_count(const it_segment &s) { return (int64_t)s.prefix_len + s.k_len; }

/* visit(i, row, count): keys begin + i .. begin + i + count - 1 of a segment, of the prefix and then own, are the rows
   from `row` on of k and v. In order, for keys begin .. end - 1. */
template <class F> void for_each_run(const Forward &f, const it_segment &s, int64_t begin, int64_t end, F visit) {
    for (int64_t key = begin; key < end;) {
        const bool prefix = key < s.prefix_len;
        int64_t row = prefix ? s.prefix_start + key : s.k_start + key - s.prefix_len;
        int64_t count = (prefix && s.prefix_len < end ? s.prefix_len : end) - key;
        if (f.pages) {
            const int64_t page = row / f.page_size, in_page = row - page * f.page_size, left = f.page_size - in_page;
            row = f.pages[page] * f.page_size + in_page;
            count = count < left ? count : left;
        }
        visit(key - begin, row, count);
        key += count;
    }
}

/* One softmax and the next one's result together: O, relative to the maximum m, and l are those of both. With x and y,
   O = O x + other y. */
inline void merge(vf &m, vf &l, vf other_m, vf other_l, vf &x, vf &y) {
    const vf largest = max(m, other_m);
    x = exp_negative(m - largest), y = exp_negative(other_m - largest);
    m = largest;
    l = fma(other_l, y, l * x);
}

/* Decoding: the segments, all with q_len 1, on all threads (attention_decode.cpp); false: no memory. May throw
   bad_alloc. */
bool decode(const Forward &f, const it_segment *const *segments, int64_t count);

} // namespace intuitor::INTUITOR_ISA::attention

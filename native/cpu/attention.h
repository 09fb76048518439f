/*
 * What the attention kernels share: tiles of keys, blocks of query rows, and one register-blocked matrix product.
 *
 * The lanes of a vector are query rows. A row is a (query, head) pair of one key-value head's group, heads innermost,
 * so grouped heads share every key that is read. With queries transposed once ([D][ROWS]), the scores of a tile are
 * S^T [keys][ROWS] = K Q^T: the keys are broadcast as they lie in memory, the softmax over keys runs down the lanes
 * without a single shuffle, and O^T [D][ROWS] = V^T P^T takes S^T where it stands. Nothing depends on D being a
 * multiple of the vector.
 *
 * Keys come in tiles of KEYS, counted from the start of the prefix and from the start of the segment's own keys; a lane
 * never sees its neighbours. Therefore the bits of a row depend on its own segment alone, not on the batch.
 */
#pragma once
#include <cstdint>
#include <utility>

#include "intuitor.h"
#include "scratch.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA::attention {

constexpr int VECTORS = 2, ROWS = VECTORS * W; // query rows of a block
constexpr int KEYS = 64;                       // keys of a tile
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

/* c[i][0..V W) = start + sum_k a[i * ai + k * ak] * b[k][0..V W), for PANEL rows i; start is 0, c, or c * factor. */
template <int V, Start START>
inline void multiply_panel(float *c, int64_t ldc, const float *a, int64_t ai, int64_t ak, const float *b, int64_t ldb,
                           int k, const vf *factor) {
    vf sum[PANEL][V];
#pragma GCC unroll 8
    for (int i = 0; i < PANEL; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            if constexpr (START == Start::ZERO) sum[i][v] = zero();
            else sum[i][v] = load(c + i * ldc + v * W);
            if constexpr (START == Start::SCALE) sum[i][v] = sum[i][v] * factor[v];
        }
    }
    for (int n = 0; n < k; n++, a += ak, b += ldb) {
        vf x[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) x[v] = load(b + v * W);
#pragma GCC unroll 8
        for (int i = 0; i < PANEL; i++) {
            vf y = set1(a[i * ai]);
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) sum[i][v] = fma(y, x[v], sum[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < PANEL; i++) {
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

/* The keys of one tile: rows first .. first + count - 1. Own keys, position `offset` on, are causal; of the prefix
   (offset -1) every query sees all. */
struct Tile {
    int64_t first;
    int count;
    int64_t offset;
};

/* The tiles of a segment that a query which sees its own keys up to `last` can see, in order. */
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

/* What the rows of a block see of a tile: keys [0, whole) all rows, [whole, keys) some, the rest none. limit[r]: the
   last key that row r sees, set where whole < padded = keys rounded up to PANEL. */
struct View {
    int keys, whole, padded;
    alignas(64) float limit[ROWS];

    /* visible[r]: the last own key that row r sees, ascending. */
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

/* ---- decoding: one query a segment (attention_decode.cpp) ------------------------------------------------------ */

struct Forward {
    float *out, *lse; // lse may be null
    const float *q;
    int64_t q_stride;
    const float *k, *v;
    int64_t kv_stride;
    int64_t heads, kv_heads, D;

    int64_t group() const { return heads / kv_heads; }
    float scale() const { return (float)(1.0 / __builtin_sqrt((double)D)); }
};

/* The segments, all with q_len 1, on all threads; false: no memory. May throw bad_alloc. */
bool decode(const Forward &f, const it_segment *const *segments, int64_t count);

} // namespace intuitor::INTUITOR_ISA::attention

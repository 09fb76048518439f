/*
 * What the attention kernels share: their arguments, and which rows and keys belong to which block.
 *
 * Rows. A row is a (query, head) pair of the group of query heads that share a key-value head, heads innermost: row r
 * of a segment and key-value head is query r / group, head r % group. So grouped heads share every key that is read,
 * tiles of rows are full even where sequences are short, and a tile spans few positions, which leaves little of the
 * causal triangle to mask.
 *
 * Keys come in tiles that are counted from the start of the prefix and from the start of the segment's own keys, and a
 * row never sees its neighbours. Therefore the bits of a row depend on its own segment alone, not on the batch; but a
 * batch of single queries goes to the kernels for decoding, whose order is another.
 */
#pragma once
#include <cmath>
#include <type_traits>

#include "common.cuh"

namespace intuitor::cuda::attention {

constexpr float LOWEST = -3.40282347e38f; // stands for minus infinity: differences of it are never NaN

/* The query heads that share a key-value head: a row's query is row / size, its head among them the rest. The quotient
   is one multiplication, exact for rows up to 2^32 / size. */
struct Group {
    int size;
    unsigned inverse;

    explicit Group(int64_t size) : size((int)size), inverse((unsigned)((1ull << 32) / (uint64_t)size + 1)) {}
    __device__ __forceinline__ int query(int row) const {
        return size == 1 ? row : (int)__umulhi((unsigned)row, inverse);
    }
};

/* Of attention_forward. */
template <class T> struct Forward {
    T *out;
    float *lse; // may be null
    const T *q;
    int64_t q_stride;
    const T *k, *v;
    int64_t kv_stride;
    const it_segment *segments;
    int64_t S, max_q, max_k;
    int Hq, Hkv, D;
    Group group;
    float scale;      // 1 / sqrt(D)
    float log2_scale; // of scores whose exponential is a power of two

    /* Address of a row's query, and where its result goes: out + D * result, lse + result. */
    __device__ __forceinline__ const T *query(const it_segment &s, int kv_head, int row) const {
        int i = group.query(row), head = kv_head * group.size + row - i * group.size;
        return q + (s.q_start + i) * q_stride + head * D;
    }
    __device__ __forceinline__ int64_t result(const it_segment &s, int kv_head, int row) const {
        int i = group.query(row), head = kv_head * group.size + row - i * group.size;
        return (int64_t)(s.q_start + i) * Hq + head;
    }
};

/* The same with k and v in pages. */
template <class T> struct PagedForward : Forward<T> {
    const int32_t *pages; // null: not in pages after all
    int page_size;

    /* Where row r of a segment is in k and v. */
    __device__ __forceinline__ int64_t cache_row(int64_t r) const {
        if (!pages) return r;
        unsigned row = (unsigned)r, page = row / (unsigned)page_size;
        return (int64_t)pages[page] * page_size + (row - page * (unsigned)page_size);
    }
};

/* Of attention_backward: q, k and v are columns of qkv. */
template <class T> struct Backward {
    T *dqkv;
    float *delta;
    const T *dout, *qkv, *out;
    const float *lse;
    const it_segment *segments;
    int64_t S;
    const int32_t *families;
    int64_t NF, max_q;
    int Hq, Hkv, D;
    Group group;
    float scale, log2_scale;

    __host__ __device__ int64_t width() const { return (int64_t)(Hq + 2 * Hkv) * D; }
    /* Where in qkv and dqkv: the query of a row; key and value row t of a key-value head. */
    __device__ __forceinline__ int64_t query(const it_segment &s, int kv_head, int row) const {
        int i = group.query(row), head = kv_head * group.size + row - i * group.size;
        return (s.q_start + i) * width() + head * D;
    }
    __device__ __forceinline__ int64_t key(int64_t t, int kv_head) const {
        return t * width() + (int64_t)(Hq + kv_head) * D;
    }
    __device__ __forceinline__ int64_t value(int64_t t, int kv_head) const {
        return t * width() + (int64_t)(Hq + Hkv + kv_head) * D;
    }
    /* Index in lse and delta; times D, in out and dout. */
    __device__ __forceinline__ int64_t result(const it_segment &s, int kv_head, int row) const {
        int i = group.query(row), head = kv_head * group.size + row - i * group.size;
        return (int64_t)(s.q_start + i) * Hq + head;
    }
};

/* --- blocks of rows ----------------------------------------------------------------------------------------------- */

/* Which segment, key-value head and tile a block is for: tiles innermost, the last (with causal rows, the longest)
   first, so that blocks that run together share their keys in the L2 cache. */
struct Block {
    int64_t segment;
    int kv_head, tile;
};
__device__ __forceinline__ Block block_of(unsigned index, int tiles, int Hkv) {
    unsigned rest = index / (unsigned)tiles;
    return {rest / (unsigned)Hkv, (int)(rest % (unsigned)Hkv), tiles - 1 - (int)(index % (unsigned)tiles)};
}

/* Blocks in one dimension; 0 if there are too many. */
inline unsigned block_count(int64_t segments, int64_t Hkv, int64_t tiles) {
    double count = (double)segments * (double)Hkv * (double)tiles;
    return count <= INT32_MAX ? (unsigned)(segments * Hkv * tiles) : 0;
}

/* --- tiles of keys ------------------------------------------------------------------------------------------------ */

/* Rows first .. first + count - 1 of the keys. Own keys, position `offset` on, are causal; of the prefix (offset -1)
   every query sees all. */
struct KeyTile {
    int64_t first;
    int count, offset;

    /* How many of them a query sees that sees its own keys up to `last`. */
    __device__ __forceinline__ int seen(int last) const {
        return offset < 0 ? count : max(0, min(count, last + 1 - offset));
    }
};

/* The tiles that a block of rows can see: the prefix's, then its own up to key `last`. */
template <int KEYS> struct KeyTiles {
    it_segment s;
    int of_prefix, size;

    __device__ __forceinline__ KeyTiles(const it_segment &s, int last)
        : s(s), of_prefix((s.prefix_len + KEYS - 1) / KEYS), size(of_prefix + last / KEYS + 1) {}
    __device__ __forceinline__ KeyTile operator[](int n) const {
        if (n < of_prefix) {
            return {(int64_t)s.prefix_start + n * KEYS, min(KEYS, s.prefix_len - n * KEYS), -1};
        }
        int offset = (n - of_prefix) * KEYS;
        return {(int64_t)s.k_start + offset, min(KEYS, s.k_len - offset), offset};
    }
};

/* --- who contributes to a key's gradient -------------------------------------------------------------------------- */

/*
 * The segments whose queries see the keys of one segment: itself, then the siblings that follow it if it is the first
 * of its family. The longest work first: blocks of segment index 0 .. NF-1 are for the families' first segments, NF ..
 * NF + S - 1 for all others; `none` for those that the former have done.
 */
struct Contributors {
    int64_t segment, end; // segment .. end - 1
    bool none;
};
template <int THREADS>
__device__ __forceinline__ Contributors contributors(int64_t index, const it_segment *segments, const int32_t *families,
                                                     int64_t NF) {
    if (index < NF) return {families[index], families[index + 1], false};
    int64_t segment = index - NF;
    bool first = false;
    if (segments[segment].prefix_len == 0) {
        for (int64_t f = threadIdx.x; f < NF; f += THREADS) first |= families[f] == segment;
        first = __syncthreads_or(first);
    }
    return {segment, segment + 1, first};
}

/* 1 / sqrt(D) */
inline float score_scale(int64_t D) { return (float)(1 / std::sqrt((double)D)); }

/* What every call asks of its heads and of the longest segment. */
inline int check_shape(const char *function, int64_t Hq, int64_t Hkv, int64_t D, int64_t max_q, int64_t max_k) {
    if (Hkv <= 0 || Hq <= 0 || Hq % Hkv || Hq > INT32_MAX / 256) {
        return fail(IT_INVALID, function, "%lld query heads, %lld key-value heads", (long long)Hq, (long long)Hkv);
    }
    if (D < 2 || D > 256 || D % 2) {
        return fail(IT_INVALID, function, "head size %lld is not an even number up to 256", (long long)D);
    }
    int64_t group = Hq / Hkv; // of Group::query, and of rows and keys being int
    if (max_q <= 0 || max_k < max_q || max_k > INT32_MAX - 256 || max_q > INT32_MAX / group / group) {
        return fail(IT_INVALID, function, "max_q = %lld, max_k = %lld, %lld query heads for a key-value head",
                    (long long)max_q, (long long)max_k, (long long)group);
    }
    return IT_OK;
}

/* --- kernels for one query a segment, bf16, D = 64 or 128, aligned addresses and strides: attention_decode.cu ----- */

/* Whether the tensor cores' kernels read what f names. */
template <class T> inline bool fits_tensor_cores(const Forward<T> &f) {
    if constexpr (std::is_same_v<T, bf16>) {
        return (f.D == 64 || f.D == 128) &&
               aligned<bf16>(f.D, (it_addr)f.out, (it_addr)f.q, (it_addr)f.k, (it_addr)f.v) &&
               f.q_stride % VECTOR<bf16> == 0 && f.kv_stride % VECTOR<bf16> == 0;
    }
    return false;
}

/* Pages, if there are any, hold a multiple of DECODE_CHUNK keys. */
constexpr int DECODE_CHUNK = 16;
int tensor_decode(const PagedForward<bf16> &f, const char *function, it_stream s);

/* --- before the gradients: attention_delta.cu -------------------------------------------------------------------- */

/* Zeros in the rows of dqkv [T, ...] that are in no segment; delta. */
template <class T> int prepare_backward(const Backward<T> &b, int64_t rows, it_stream s);

/* --- kernels for any head size, storage and alignment: attention_generic.cu -------------------------------------- */

template <class T> int generic_forward(const PagedForward<T> &f, const char *function, it_stream s);
/* dqkv of all rows that are in a segment; delta is there already. */
template <class T> int generic_backward(const Backward<T> &b, it_stream s);

} // namespace intuitor::cuda::attention

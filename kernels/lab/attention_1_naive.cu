/*
 * The formulas as they are written, three kernels with the scores in memory between them: S = q k^T / sqrt(D), a
 * softmax of each row in three passes (maximum, sum, quotient), out = P v. Products on the CUDA cores in fp32, a head
 * at a time; as many tiles of 64 rows together as 256 MB of scores take.
 *
 * Prediction for an H100 at [4, 4096, 12, 128], causal: 403 million scores, 0.21 TFLOP. The products, as in
 * head_1_unfused.cu, at 15 TFLOP/s: 14 ms. The scores are written, read (a row's second and third pass find them in a
 * cache), written and read, 16 bytes each, 6.5 GB: 2 ms at 3.35 TB/s. Beside tensor cores these 2 ms would be three
 * times the whole of step 3: that, and a memory that grows with the square of the length, is what the next step is for.
 */
#include "attention.cuh"
#include "product.cuh"

namespace intuitor::cuda::lab {

namespace {

constexpr int SOFTMAX_THREADS = 128;
constexpr int64_t SCORE_BYTES = 256 << 20, MOST_TILES = 65535; // a grid's height

/* Up to TILE queries of a head of a segment. Their keys are numbered from the prefix's first on. */
struct RowTile {
    it_segment s;
    int head, kv_head, first, rows; // rows <= 0: behind the segment's end

    template <class T>
    __device__ __forceinline__ RowTile(const Forward<T> &f, int64_t index, int tiles)
        : s(f.segments[index / tiles / f.Hq]), head((int)(index / tiles % f.Hq)), kv_head(head / f.group.size),
          first((int)(index % tiles) * TILE), rows(min(TILE, s.q_len - first)) {}

    /* How many keys row r sees, and the last row. */
    __device__ __forceinline__ int seen(int r) const { return s.prefix_len + s.k_len - s.q_len + first + r + 1; }
    __device__ __forceinline__ int keys() const { return seen(rows - 1); }
    /* Where row r is in q; key n in k and v. */
    template <class T> __device__ __forceinline__ int64_t query(const Forward<T> &f, int r) const {
        return (s.q_start + first + r) * f.q_stride + head * f.D;
    }
    template <class T> __device__ __forceinline__ int64_t key(const Forward<T> &f, int n) const {
        int64_t row = n < s.prefix_len ? s.prefix_start + n : s.k_start + n - s.prefix_len;
        return row * f.kv_stride + kv_head * f.D;
    }
    /* Where the result of row r is in lse; times D, in out. */
    template <class T> __device__ __forceinline__ int64_t result(const Forward<T> &f, int r) const {
        return (int64_t)(s.q_start + first + r) * f.Hq + head;
    }
};

/* scores [tiles of this launch][TILE][max_k]; tiles of keys that no row sees are left as they are. */
template <class T>
__global__ void __launch_bounds__(THREADS) multiply_keys(float *scores, Forward<T> f, int64_t first, int tiles) {
    const RowTile tile(f, first + blockIdx.y, tiles);
    const int column = blockIdx.x * TILE;
    if (tile.rows <= 0 || column >= tile.keys()) return;
    const int keys = tile.keys();
    multiply<true>(
        f.D, [&](int r, int c) { return r < tile.rows ? to_float(f.q[tile.query(f, r) + c]) : 0; },
        [&](int n, int c) { return column + n < keys ? to_float(f.k[tile.key(f, column + n) + c]) : 0; },
        [&](int r, int n, float sum) {
            if (r < tile.rows && column + n < keys) {
                scores[((int64_t)blockIdx.y * TILE + r) * f.max_k + column + n] = sum * f.scale;
            }
        });
}

/* Probabilities in the scores' place, zeros for keys that only later rows of the tile see; lse. A block a row. */
template <class T>
__global__ void __launch_bounds__(SOFTMAX_THREADS) softmax(float *scores, Forward<T> f, int64_t first, int tiles) {
    const RowTile tile(f, first + blockIdx.x / TILE, tiles);
    const int r = blockIdx.x % TILE;
    if (r >= tile.rows) return;
    float *row = scores + (int64_t)blockIdx.x * f.max_k;
    const int seen = tile.seen(r), keys = tile.keys();
    float largest = LOWEST, sum = 0;
    for (int n = threadIdx.x; n < seen; n += SOFTMAX_THREADS) largest = fmaxf(largest, row[n]);
    largest = block_reduce<SOFTMAX_THREADS>(largest, Max());
    for (int n = threadIdx.x; n < seen; n += SOFTMAX_THREADS) sum += expf(row[n] - largest);
    sum = block_reduce<SOFTMAX_THREADS>(sum, Sum());
    for (int n = threadIdx.x; n < keys; n += SOFTMAX_THREADS) {
        row[n] = n < seen ? expf(row[n] - largest) / sum : 0;
    }
    if (f.lse && threadIdx.x == 0) f.lse[tile.result(f, r)] = largest + logf(sum);
}

template <class T>
__global__ void __launch_bounds__(THREADS)
multiply_values(const float *probabilities, Forward<T> f, int64_t first, int tiles) {
    const RowTile tile(f, first + blockIdx.y, tiles);
    const int column = blockIdx.x * TILE;
    if (tile.rows <= 0) return;
    const float *p = probabilities + (int64_t)blockIdx.y * TILE * f.max_k;
    multiply<false>(
        tile.keys(), [&](int r, int n) { return r < tile.rows ? p[r * f.max_k + n] : 0; },
        [&](int c, int n) { return column + c < f.D ? to_float(f.v[tile.key(f, n) + column + c]) : 0; },
        [&](int r, int c, float sum) {
            if (r < tile.rows && column + c < f.D) f.out[tile.result(f, r) * f.D + column + c] = from_float<T>(sum);
        });
}

struct Naive {
    template <class T> static int run(const Forward<T> &f, it_stream s) {
        const int tiles = (int)ceil_div(f.max_q, TILE); // of a segment and head
        const int64_t all = f.S * f.Hq * tiles, row_bytes = f.max_k * (int64_t)sizeof(float);
        const int64_t most = min(max(SCORE_BYTES / (TILE * row_bytes), (int64_t)1), min(all, MOST_TILES));
        IT_WORKSPACE("lab", memory, (size_t)(most * TILE * row_bytes), s);
        float *scores = memory.get<float>();
        for (int64_t first = 0; first < all; first += most) {
            unsigned count = (unsigned)min(most, all - first);
            dim3 keys((unsigned)ceil_div(f.max_k, TILE), count), columns((unsigned)ceil_div(f.D, TILE), count);
            IT_CUDA_IN("lab", launch(multiply_keys<T>, keys, THREADS, 0, s, scores, f, first, tiles));
            IT_CUDA_IN("lab", launch(softmax<T>, dim3(count * TILE), SOFTMAX_THREADS, 0, s, scores, f, first, tiles));
            IT_CUDA_IN("lab", launch(multiply_values<T>, columns, THREADS, 0, s, scores, f, first, tiles));
        }
        return IT_OK;
    }
};

const RegisterAttention step("1 naive", "three kernels, scores in memory, CUDA cores", run_attention<Naive>);

} // namespace
} // namespace intuitor::cuda::lab

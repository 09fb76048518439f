/*
 * RMSNorm (Zhang & Sennrich 2019) with the residual sum fused in.
 *
 *   forward    s = x + delta;  r = 1 / sqrt(mean(s^2) + eps);  out = s r w
 *   backward   with g = dout w, x^ = x r:  dx += r (g - x^ mean(g x^)),  dw += sum_t dout x^
 *
 * Bound by memory: a row up to MAX_KEPT wide stays in registers, PER_THREAD numbers a thread, so each matrix crosses
 * memory once. How many threads a row has depends on its width alone, so its bits are the same in every batch.
 */
#include "row_blocks.cuh"

namespace intuitor::cuda {

namespace {

constexpr int PER_THREAD = 16, MAX_KEPT = 8192, WIDE_THREADS = 256;
template <class T> constexpr int VECTORS = PER_THREAD / VECTOR<T>;

/* A block a row. */
template <class T, int THREADS, bool ALIGNED>
__global__ void __launch_bounds__(THREADS)
normalise(T *out, float *rstd, T *sum, const T *x, const T *delta, const T *weight, float eps, int width) {
    constexpr int N = VECTOR<T>;
    int64_t row = blockIdx.x, offset = row * width;
    float v[VECTORS<T>][N];
    uint4 w[VECTORS<T>], d[VECTORS<T>];
#pragma unroll
    for (int k = 0; k < VECTORS<T>; k++) {
        int column = (k * THREADS + threadIdx.x) * N;
        load_vector<ALIGNED>(v[k], x + offset + column, width - column);
        w[k] = load_raw<ALIGNED>(weight + column, width - column);
        if (delta) d[k] = load_raw<ALIGNED>(delta + offset + column, width - column);
    }
    if (delta) {
#pragma unroll
        for (int k = 0; k < VECTORS<T>; k++) {
            int column = (k * THREADS + threadIdx.x) * N;
            float change[N];
            widen<T>(change, d[k]);
#pragma unroll
            for (int j = 0; j < N; j++) v[k][j] = rounded<T>(v[k][j] + change[j]);
            store_vector<ALIGNED>(sum + offset + column, v[k], width - column);
        }
    }
    float squares = 0;
#pragma unroll
    for (int k = 0; k < VECTORS<T>; k++) {
#pragma unroll
        for (int j = 0; j < N; j++) squares += v[k][j] * v[k][j];
    }
    float r = 1 / sqrtf(block_reduce<THREADS>(squares, Sum()) / (float)width + eps);
    if (rstd && threadIdx.x == 0) rstd[row] = r;
#pragma unroll
    for (int k = 0; k < VECTORS<T>; k++) {
        int column = (k * THREADS + threadIdx.x) * N;
        float scale[N];
        widen<T>(scale, w[k]);
#pragma unroll
        for (int j = 0; j < N; j++) v[k][j] *= r * scale[j];
        store_vector<ALIGNED>(out + offset + column, v[k], width - column);
    }
}

/* The same for rows of any width, which it reads twice. */
template <class T, bool ALIGNED>
__global__ void __launch_bounds__(WIDE_THREADS)
normalise_wide(T *out, float *rstd, T *sum, const T *x, const T *delta, const T *weight, float eps, int64_t width) {
    constexpr int N = VECTOR<T>;
    int64_t row = blockIdx.x, offset = row * width;
    const T *from = (delta ? sum : x) + offset;
    float squares = 0;
    for (int64_t column = threadIdx.x * N; column < width; column += WIDE_THREADS * N) {
        float v[N];
        load_vector<ALIGNED>(v, x + offset + column, width - column);
        if (delta) {
            float change[N];
            load_vector<ALIGNED>(change, delta + offset + column, width - column);
#pragma unroll
            for (int j = 0; j < N; j++) v[j] = rounded<T>(v[j] + change[j]);
            store_vector<ALIGNED>(sum + offset + column, v, width - column);
        }
#pragma unroll
        for (int j = 0; j < N; j++) squares += v[j] * v[j];
    }
    float r = 1 / sqrtf(block_reduce<WIDE_THREADS>(squares, Sum()) / (float)width + eps);
    if (rstd && threadIdx.x == 0) rstd[row] = r;
    for (int64_t column = threadIdx.x * N; column < width; column += WIDE_THREADS * N) {
        float v[N], scale[N];
        load_vector<ALIGNED>(v, from + column, width - column); // of a sum, what this thread has stored
        load_vector<ALIGNED>(scale, weight + column, width - column);
#pragma unroll
        for (int j = 0; j < N; j++) v[j] *= r * scale[j];
        store_vector<ALIGNED>(out + offset + column, v, width - column);
    }
}

/* A row's operands, as stored. */
template <class T> struct Operands {
    uint4 dx[VECTORS<T>], dout[VECTORS<T>], x[VECTORS<T>];
};

template <class T, int THREADS, bool ALIGNED>
__device__ __forceinline__ void load_operands(Operands<T> &row, const T *dx, const T *dout, const T *x, int64_t offset,
                                              int width) {
#pragma unroll
    for (int k = 0; k < VECTORS<T>; k++) {
        int column = (k * THREADS + threadIdx.x) * VECTOR<T>;
        row.dout[k] = load_raw<ALIGNED>(dout + offset + column, width - column);
        row.x[k] = load_raw<ALIGNED>(x + offset + column, width - column);
        row.dx[k] = load_raw<ALIGNED>(dx + offset + column, width - column);
    }
}

/* A block a block of rows; sums [blocks, width] optional: a thread keeps the sums of its columns. In training's case
   the next row is loaded while one is worked on; otherwise the registers do not suffice for that. */
template <class T, int THREADS, bool ALIGNED>
__global__ void __launch_bounds__(THREADS)
differentiate(T *dx, float *sums, const T *dout, const T *x, const T *weight, const float *rstd, RowBlocks blocks,
              int width) {
    constexpr int N = VECTOR<T>;
    constexpr bool AHEAD = ALIGNED && std::is_same_v<T, bf16>;
    uint4 w[VECTORS<T>];
    float dweight[VECTORS<T>][N] = {};
#pragma unroll
    for (int k = 0; k < VECTORS<T>; k++) {
        int column = (k * THREADS + threadIdx.x) * N;
        w[k] = load_raw<ALIGNED>(weight + column, width - column);
    }
    int64_t row = blocks.begin(blockIdx.x), end = blocks.end(blockIdx.x);
    Operands<T> now, next;
    if (AHEAD) load_operands<T, THREADS, ALIGNED>(next, dx, dout, x, row * width, width);
    for (; row < end; row++) {
        if (AHEAD) now = next;
        int64_t load = AHEAD ? row + 1 : row;
        if (load < end) load_operands<T, THREADS, ALIGNED>(AHEAD ? next : now, dx, dout, x, load * width, width);
        float r = rstd[row];
        float dot = 0;
#pragma unroll
        for (int k = 0; k < VECTORS<T>; k++) {
            float g[N], v[N], scale[N];
            widen<T>(g, now.dout[k]);
            widen<T>(v, now.x[k]);
            widen<T>(scale, w[k]);
#pragma unroll
            for (int j = 0; j < N; j++) {
                dot += g[j] * scale[j] * v[j];
                dweight[k][j] += g[j] * r * v[j];
            }
        }
        float mean = block_reduce<THREADS>(dot, Sum()) / (float)width * r * r; // mean(g x^) r
#pragma unroll
        for (int k = 0; k < VECTORS<T>; k++) {
            int column = (k * THREADS + threadIdx.x) * N;
            float d[N], g[N], v[N], scale[N];
            widen<T>(d, now.dx[k]);
            widen<T>(g, now.dout[k]);
            widen<T>(v, now.x[k]);
            widen<T>(scale, w[k]);
#pragma unroll
            for (int j = 0; j < N; j++) d[j] += r * (g[j] * scale[j] - v[j] * mean);
            store_vector<ALIGNED>(dx + row * width + column, d, width - column);
        }
    }
    if (!sums) return;
#pragma unroll
    for (int k = 0; k < VECTORS<T>; k++) {
        int column = (k * THREADS + threadIdx.x) * N;
        store_vector<ALIGNED>(sums + (int64_t)blockIdx.x * width + column, dweight[k], width - column);
    }
}

/* The same for rows of any width, which it reads twice; the partial sums are kept in memory. */
template <class T, bool ALIGNED>
__global__ void __launch_bounds__(WIDE_THREADS)
differentiate_wide(T *dx, float *sums, const T *dout, const T *x, const T *weight, const float *rstd, RowBlocks blocks,
                   int64_t width) {
    constexpr int N = VECTOR<T>;
    int64_t begin = blocks.begin(blockIdx.x), end = blocks.end(blockIdx.x);
    for (int64_t row = begin; row < end; row++) {
        int64_t offset = row * width;
        float r = rstd[row], dot = 0, g[N], v[N], scale[N];
        for (int64_t column = threadIdx.x * N; column < width; column += WIDE_THREADS * N) {
            load_vector<ALIGNED>(g, dout + offset + column, width - column);
            load_vector<ALIGNED>(v, x + offset + column, width - column);
            load_vector<ALIGNED>(scale, weight + column, width - column);
#pragma unroll
            for (int j = 0; j < N; j++) dot += g[j] * scale[j] * v[j];
        }
        float mean = block_reduce<WIDE_THREADS>(dot, Sum()) / (float)width * r * r;
        for (int64_t column = threadIdx.x * N; column < width; column += WIDE_THREADS * N) {
            float d[N];
            load_vector<ALIGNED>(d, dx + offset + column, width - column);
            load_vector<ALIGNED>(g, dout + offset + column, width - column);
            load_vector<ALIGNED>(v, x + offset + column, width - column);
            load_vector<ALIGNED>(scale, weight + column, width - column);
#pragma unroll
            for (int j = 0; j < N; j++) d[j] += r * (g[j] * scale[j] - v[j] * mean);
            store_vector<ALIGNED>(dx + offset + column, d, width - column);
            if (!sums) continue;
            float *to = sums + (int64_t)blockIdx.x * width + column;
            float dweight[N] = {};
            if (row > begin) load_vector<ALIGNED>(dweight, to, width - column);
#pragma unroll
            for (int j = 0; j < N; j++) dweight[j] += g[j] * r * v[j];
            store_vector<ALIGNED>(to, dweight, width - column);
        }
    }
}

/* Calls body(threads of a row, as a constant) for a width that registers hold. */
template <class Body> cudaError_t with_threads(int64_t width, Body body) {
    if (width <= 32 * PER_THREAD) return body(std::integral_constant<int, 32>());
    if (width <= 128 * PER_THREAD) return body(std::integral_constant<int, 128>());
    if (width <= 256 * PER_THREAD) return body(std::integral_constant<int, 256>());
    static_assert(512 * PER_THREAD == MAX_KEPT);
    return body(std::integral_constant<int, 512>());
}

} // namespace

int rms_norm_forward(it_addr out, it_addr rstd, it_addr sum, it_addr x, it_addr delta, it_addr weight, float eps,
                     int64_t T, int64_t H, int32_t dtype, it_stream s) {
    IT_CHECK(T >= 0 && T <= INT32_MAX && H > 0, "sizes T %lld, H %lld", (long long)T, (long long)H);
    IT_CHECK(T == 0 || (out && x && weight), "null address");
    IT_CHECK(T == 0 || !delta || sum, "delta without sum");
    IT_CHECK(T == 0 || !delta || out != sum, "out aliases sum");
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (T == 0) return (int)IT_OK;
        bool vectors = aligned<S>(H, out, x, weight, delta ? delta : x, delta ? sum : x);
        return with_flag(vectors, [=](auto flag) {
            constexpr bool ALIGNED = flag.value;
            auto start = [=](auto kernel, int threads) {
                return launch(kernel, dim3((unsigned)T), threads, 0, s, (S *)out, (float *)rstd, (S *)sum, (const S *)x,
                              (const S *)delta, (const S *)weight, eps, H);
            };
            cudaError_t error = H > MAX_KEPT ? start(normalise_wide<S, ALIGNED>, WIDE_THREADS)
                                             : with_threads(H, [=](auto threads) {
                                                   return start(normalise<S, threads.value, ALIGNED>, threads.value);
                                               });
            return check(error, "rms_norm_forward");
        });
    });
}

int rms_norm_backward(it_addr dx, it_addr dweight, it_addr dout, it_addr x, it_addr weight, it_addr rstd, int64_t T,
                      int64_t H, int32_t dtype, it_stream s) {
    IT_CHECK(T >= 0 && H > 0, "sizes T %lld, H %lld", (long long)T, (long long)H);
    IT_CHECK(T == 0 || (dx && dout && x && weight && rstd), "null address");
    IT_CHECK(T == 0 || dx != dout, "dx aliases dout");
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (T == 0) return (int)IT_OK;
        RowBlocks blocks(T);
        size_t bytes = dweight ? (size_t)(blocks.count * H) * sizeof(float) : 0;
        IT_WORKSPACE("rms_norm_backward", partial, bytes, s);
        float *sums = dweight ? partial.get<float>() : nullptr;
        int status = with_flag(aligned<S>(H, dx, dout, x, weight), [=](auto flag) {
            constexpr bool ALIGNED = flag.value;
            auto start = [=](auto kernel, int threads) {
                return launch(kernel, dim3((unsigned)blocks.count), threads, 0, s, (S *)dx, sums, (const S *)dout,
                              (const S *)x, (const S *)weight, (const float *)rstd, blocks, H);
            };
            cudaError_t error = H > MAX_KEPT ? start(differentiate_wide<S, ALIGNED>, WIDE_THREADS)
                                             : with_threads(H, [=](auto threads) {
                                                   return start(differentiate<S, threads.value, ALIGNED>,
                                                                threads.value);
                                               });
            return check(error, "rms_norm_backward");
        });
        if (status || !sums) return status;
        return check(launch_add_partial_sums(dweight, sums, blocks.count, H, H, s), "rms_norm_backward");
    });
}

} // namespace intuitor::cuda

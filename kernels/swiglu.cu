/*
 * SwiGLU (Shazeer 2020): out = silu(g) u, silu(g) = g sigmoid(g).
 *
 *   backward   du = dout silu(g);  dg = dout u s (1 + g (1 - s)),  s = sigmoid(g)
 *
 * Bound by memory. The product is recomputed in the backward pass rather than kept: it costs an exponential where a
 * matrix [T, F] would cross memory twice.
 */
#include "common.cuh"

namespace intuitor::cuda {

namespace {

constexpr int THREADS = 128;

/* 1 / (1 + e^-x). For bf16 with the hardware's exponential and division, whose errors (2^-20 at worst, where the result
   is next to 0) are far below its rounding. */
template <class T> __device__ __forceinline__ float sigmoid(float x) {
    if constexpr (std::is_same_v<T, bf16>) {
        return __fdividef(1, 1 + __expf(-x));
    } else {
        return 1 / (1 + expf(-x));
    }
}

/* A row is cut into `parts` stretches of THREADS vectors, a block each. */
struct Stretch {
    int64_t row, column, count; // this thread's first column, and how many there are from it on

    __device__ Stretch(int vector, int64_t width, unsigned parts)
        : row(blockIdx.x / parts), column((int64_t)(blockIdx.x % parts * THREADS + threadIdx.x) * vector),
          count(width - column) {}
};

template <class T, bool ALIGNED>
__global__ void __launch_bounds__(THREADS) forward(T *out, const T *gate_up, int64_t width, unsigned parts) {
    constexpr int N = VECTOR<T>;
    Stretch at(N, width, parts);
    if (at.count <= 0) return;
    const T *gate = gate_up + at.row * 2 * width + at.column;
    float g[N], u[N];
    load_vector<ALIGNED>(g, gate, at.count);
    load_vector<ALIGNED>(u, gate + width, at.count);
#pragma unroll
    for (int j = 0; j < N; j++) g[j] = g[j] * sigmoid<T>(g[j]) * u[j];
    store_vector<ALIGNED>(out + at.row * width + at.column, g, at.count);
}

template <class T, bool ALIGNED>
__global__ void __launch_bounds__(THREADS)
backward(T *gate_up, T *out, const T *dout, int64_t width, unsigned parts) {
    constexpr int N = VECTOR<T>;
    Stretch at(N, width, parts);
    if (at.count <= 0) return;
    T *gate = gate_up + at.row * 2 * width + at.column;
    float g[N], u[N], d[N];
    load_vector<ALIGNED>(g, gate, at.count);
    load_vector<ALIGNED>(u, gate + width, at.count);
    load_vector<ALIGNED>(d, dout + at.row * width + at.column, at.count);
    float product[N];
#pragma unroll
    for (int j = 0; j < N; j++) {
        float s = sigmoid<T>(g[j]), silu = g[j] * s;
        product[j] = silu * u[j];
        g[j] = d[j] * u[j] * s * (1 + g[j] * (1 - s));
        u[j] = d[j] * silu;
    }
    store_vector<ALIGNED>(gate, g, at.count);
    store_vector<ALIGNED>(gate + width, u, at.count);
    if (out) store_vector<ALIGNED>(out + at.row * width + at.column, product, at.count);
}

int check_sizes(const char *function, int64_t T, int64_t F, int64_t parts) {
    if (T >= 0 && T <= INT32_MAX && F > 0 && parts <= INT32_MAX && T * parts <= INT32_MAX) return IT_OK;
    return fail(IT_INVALID, function, "sizes T %lld, F %lld", (long long)T, (long long)F);
}

} // namespace

int swiglu_forward(it_addr out, it_addr gate_up, int64_t T, int64_t F, int32_t dtype, it_stream s) {
    IT_CHECK(T == 0 || (out && gate_up), "null address");
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        int64_t parts = ceil_div(F, VECTOR<S> * THREADS);
        if (int status = check_sizes("swiglu_forward", T, F, parts)) return status;
        if (T == 0) return (int)IT_OK;
        bool vectors = aligned<S>(F, out, gate_up);
        return check(launch(vectors ? forward<S, true> : forward<S, false>, dim3((unsigned)(T * parts)), THREADS, 0, s,
                            (S *)out, (const S *)gate_up, F, parts), "swiglu_forward");
    });
}

int swiglu_backward(it_addr gate_up, it_addr out, it_addr dout, int64_t T, int64_t F, int32_t dtype, it_stream s) {
    IT_CHECK(T == 0 || (gate_up && dout), "null address");
    IT_CHECK(T == 0 || out != dout, "out aliases dout");
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        int64_t parts = ceil_div(F, VECTOR<S> * THREADS);
        if (int status = check_sizes("swiglu_backward", T, F, parts)) return status;
        if (T == 0) return (int)IT_OK;
        bool vectors = aligned<S>(F, gate_up, dout, out ? out : dout);
        return check(launch(vectors ? backward<S, true> : backward<S, false>, dim3((unsigned)(T * parts)), THREADS, 0,
                            s, (S *)gate_up, (S *)out, (const S *)dout, F, parts), "swiglu_backward");
    });
}

} // namespace intuitor::cuda

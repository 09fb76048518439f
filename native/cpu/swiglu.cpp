/*
 * SwiGLU (Shazeer 2020): out = silu(g) u, silu(g) = g sigmoid(g).
 *
 *   backward   du = dout silu(g);  dg = dout u s (1 + g (1 - s)),  s = sigmoid(g)
 *
 * The product is recomputed in the backward pass rather than kept: it costs an exponential where a matrix [T, F] would
 * cross memory twice.
 */
#include "error.h"
#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace intuitor::INTUITOR_ISA {

/* Columns of a row that one item works on, so that few long rows spread over the threads as well. */
constexpr int64_t COLUMNS = 2048;

template <class F> static void each_block(int64_t T, int64_t columns, F f) {
    int64_t blocks = (columns + COLUMNS - 1) / COLUMNS, size = columns < COLUMNS ? columns : COLUMNS;
    parallel_for(T * blocks, 4 * size, [=](int64_t item) {
        int64_t begin = item % blocks * COLUMNS, n = columns - begin;
        f(item / blocks, begin, n < COLUMNS ? n : COLUMNS);
    });
}

int swiglu_forward(it_addr out_, it_addr gate_up_, int64_t T, int64_t F, int32_t dtype, it_stream) {
    IT_CHECK_F32(dtype);
    IT_CHECK(T >= 0 && F > 0, "sizes T %lld, F %lld", (long long)T, (long long)F);
    IT_CHECK(T == 0 || (out_ && gate_up_), "null address");
    each_block(T, F, [=](int64_t t, int64_t begin, int64_t columns) {
        const float *gate = (const float *)gate_up_ + t * 2 * F + begin, *up = gate + F;
        float *out = (float *)out_ + t * F + begin;
        each_vector(columns, [=](int64_t j, auto n) {
            vf g = load(gate + j, n);
            store(out + j, g * sigmoid(g) * load(up + j, n), n);
        });
    });
    return IT_OK;
}

int swiglu_backward(it_addr gate_up_, it_addr out_, it_addr dout_, int64_t T, int64_t F, int32_t dtype, it_stream) {
    IT_CHECK_F32(dtype);
    IT_CHECK(T >= 0 && F > 0, "sizes T %lld, F %lld", (long long)T, (long long)F);
    IT_CHECK(T == 0 || (dout_ && gate_up_), "null address");
    IT_CHECK(T == 0 || out_ != dout_, "out aliases dout");
    each_block(T, F, [=](int64_t t, int64_t begin, int64_t columns) {
        float *gate = (float *)gate_up_ + t * 2 * F + begin, *up = gate + F;
        float *out = out_ ? (float *)out_ + t * F + begin : nullptr;
        const float *dout = (const float *)dout_ + t * F + begin;
        each_vector(columns, [=](int64_t j, auto n) {
            const vf one = set1(1.0f);
            vf g = load(gate + j, n), u = load(up + j, n), d = load(dout + j, n);
            vf s = sigmoid(g), silu = g * s;
            store(up + j, d * silu, n);
            store(gate + j, d * u * s * fma(g, one - s, one), n);
            if (out) store(out + j, silu * u, n);
        });
    });
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA

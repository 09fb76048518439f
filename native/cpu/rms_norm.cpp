/*
 * RMSNorm (Zhang & Sennrich 2019) with the residual sum fused in.
 *
 *   forward    s = x + delta;  r = 1 / sqrt(mean(s^2) + eps);  out = s r w
 *   backward   with g = dout w, x^ = x r:  dx += r (g - x^ mean(g x^)),  dw += sum_t dout x^
 *
 * A row stays in L1 between its two passes, so each matrix crosses memory once. dw: see row_blocks.h.
 */
#include <cmath>
#include <cstring>

#include "error.h"
#include "kernels.h"
#include "row_blocks.h"
#include "scratch.h"

namespace intuitor::INTUITOR_ISA {

int rms_norm_forward(it_addr out_, it_addr rstd_, it_addr sum_, it_addr x_, it_addr delta_, it_addr weight_, float eps,
                     int64_t T, int64_t H, int32_t dtype, it_stream) {
    IT_CHECK_F32(dtype);
    IT_CHECK(T >= 0 && H > 0, "sizes T %lld, H %lld", (long long)T, (long long)H);
    IT_CHECK(T == 0 || (out_ && x_ && weight_), "null address");
    IT_CHECK(T == 0 || !delta_ || sum_, "delta without sum");
    IT_CHECK(T == 0 || !delta_ || out_ != sum_, "out aliases sum");
    float *out = (float *)out_, *rstd = (float *)rstd_, *sum = (float *)sum_;
    const float *x = (const float *)x_, *delta = (const float *)delta_, *weight = (const float *)weight_;

    parallel_for(T, 4 * H, [=](int64_t t) {
        const float *a = x + t * H, *b = delta ? delta + t * H : nullptr;
        float *residual = delta ? sum + t * H : nullptr;
        vf squares = delta ? sum_vectors(H, [=](int64_t j, auto n) {
            vf v = load(a + j, n) + load(b + j, n);
            store(residual + j, v, n);
            return v * v;
        }) : sum_vectors(H, [=](int64_t j, auto n) {
            vf v = load(a + j, n);
            return v * v;
        });
        const float *row = delta ? residual : a;
        float r = 1.0f / std::sqrt(reduce_add(squares) / (float)H + eps);
        if (rstd) rstd[t] = r;
        float *y = out + t * H;
        each_vector(H, [=](int64_t j, auto n) { store(y + j, load(row + j, n) * set1(r) * load(weight + j, n), n); });
    });
    return IT_OK;
}

int rms_norm_backward(it_addr dx_, it_addr dweight_, it_addr dout_, it_addr x_, it_addr weight_, it_addr rstd_,
                      int64_t T, int64_t H, int32_t dtype, it_stream) {
    IT_CHECK_F32(dtype);
    IT_CHECK(T >= 0 && H > 0, "sizes T %lld, H %lld", (long long)T, (long long)H);
    IT_CHECK(T == 0 || (dx_ && dout_ && x_ && weight_ && rstd_), "null address");
    IT_CHECK(T == 0 || dx_ != dout_, "dx aliases dout");
    float *dx = (float *)dx_;
    const float *dout = (const float *)dout_, *x = (const float *)x_, *weight = (const float *)weight_;
    const float *rstd = (const float *)rstd_;
    RowBlocks blocks(T);
    float *partial = nullptr;
    if (dweight_) {
        IT_SCRATCH(float, memory, blocks.count * H);
        partial = memory;
    }

    parallel_for(blocks.count, 4 * H * blocks.per_block, [=](int64_t block) {
        float *dw = partial ? partial + block * H : nullptr;
        if (dw) memset(dw, 0, H * sizeof(float));
        for (int64_t t = blocks.begin(block); t < blocks.end(block); t++) {
            const float *d = dout + t * H, *a = x + t * H;
            float *dx_row = dx + t * H;
            vf dot = sum_vectors(H, [=](int64_t j, auto n) {
                return load(d + j, n) * load(weight + j, n) * load(a + j, n);
            });
            float r = rstd[t];
            float mean = reduce_add(dot) / (float)H * r * r; // mean(g x^) r
            each_vector(H, [=](int64_t j, auto n) {
                vf g = load(d + j, n), v = load(a + j, n);
                vf change = set1(r) * fma(-v, set1(mean), g * load(weight + j, n));
                store(dx_row + j, load(dx_row + j, n) + change, n);
                if (dw) store(dw + j, fma(g * set1(r), v, load(dw + j, n)), n);
            });
        }
    });
    if (partial) blocks.add_to((float *)dweight_, partial, H, H);
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA

/*
 * Between the query/key/value projection and attention: bias, per-head RMSNorm (Qwen3), rotary embedding (Su et al.
 * 2021, the rotate-half form of Hugging Face), and the key/value cache. One pass over the rows each way.
 */
#include <cmath>
#include <cstring>

#include "error.h"
#include "kernels.h"
#include "row_blocks.h"
#include "scratch.h"

namespace intuitor::INTUITOR_ISA {

static int check(const char *function, it_addr a, it_addr b, it_addr positions, int64_t T, int64_t Hq, int64_t Hkv,
                 int64_t D, int32_t dtype) {
    if (dtype != IT_F32) return fail(IT_INVALID, function, "dtype %d: this kernel works on fp32 only", dtype);
    if (T < 0 || Hq <= 0 || Hkv <= 0 || D <= 0) {
        return fail(IT_INVALID, function, "sizes T %lld, Hq %lld, Hkv %lld, D %lld", (long long)T, (long long)Hq,
                    (long long)Hkv, (long long)D);
    }
    if (T > 0 && !(a && b && positions)) return fail(IT_INVALID, function, "null address");
    const int32_t *p = (const int32_t *)positions;
    for (int64_t t = 0; t < T; t++) {
        if (p[t] < 0) return fail(IT_INVALID, function, "row %lld has position %d", (long long)t, p[t]);
    }
    return IT_OK;
}

static float inverse_rms(const float *x, int64_t D, float eps) {
    vf squares = sum_vectors(D, [=](int64_t i, auto n) {
        vf v = load(x + i, n);
        return v * v;
    });
    return 1.0f / std::sqrt(reduce_add(squares) / (float)D + eps);
}

/* y = R(position) (x r w), x and y one head; weight null: y = R x. cos_sin: D/2 cosines, then D/2 sines. */
static void rotate_head(float *y, const float *x, const float *weight, float r, const float *cos_sin, int64_t D) {
    int64_t half = D / 2;
    each_vector(half, [=](int64_t i, auto n) {
        vf a = load(x + i, n), b = load(x + half + i, n);
        vf c = load(cos_sin + i, n), s = load(cos_sin + half + i, n);
        if (weight) {
            a = a * set1(r) * load(weight + i, n);
            b = b * set1(r) * load(weight + half + i, n);
        }
        store(y + i, a * c - b * s, n);
        store(y + half + i, b * c + a * s, n);
    });
}

int qkv_forward(it_addr out_, it_addr qkv_, it_addr bias_, it_addr q_norm_, it_addr k_norm_, float eps, it_addr rope_,
                it_addr positions_, int64_t T, int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream) {
    if (int status = check(__func__, out_, qkv_, positions_, T, Hq, Hkv, D, dtype)) return status;
    IT_CHECK(D % 2 == 0, "D is %lld: rotation pairs elements", (long long)D);
    IT_CHECK(T == 0 || rope_, "null rope");
    IT_CHECK(!q_norm_ == !k_norm_, "one of q_norm and k_norm without the other");
    IT_CHECK(T == 0 || !q_norm_ || out_ != qkv_, "out aliases qkv, which the norms' backward pass needs");
    float *out = (float *)out_, *qkv = (float *)qkv_;
    const float *bias = (const float *)bias_, *rope = (const float *)rope_;
    const float *norms[2] = {(const float *)q_norm_, (const float *)k_norm_};
    const int32_t *positions = (const int32_t *)positions_;
    const int64_t width = (Hq + 2 * Hkv) * D;

    parallel_for(T, 4 * width, [=](int64_t t) {
        float *x = qkv + t * width, *y = out + t * width;
        const float *cos_sin = rope + positions[t] * D;
        if (bias) {
            float *biased = norms[0] ? x : y;
            each_vector(width, [=](int64_t j, auto n) { store(biased + j, load(x + j, n) + load(bias + j, n), n); });
            x = biased;
        }
        for (int64_t h = 0; h < Hq + Hkv; h++) {
            const float *weight = norms[h >= Hq], *head = x + h * D;
            rotate_head(y + h * D, head, weight, weight ? inverse_rms(head, D, eps) : 0, cos_sin, D);
        }
        int64_t values = (Hq + Hkv) * D;
        if (y != x) memcpy(y + values, x + values, Hkv * D * sizeof(float));
    });
    return IT_OK;
}

/*
 * d, one head: from d(out) to d(projection), in place. The rotation's transpose, then with g = d w, x^ = x r:
 * dx = r (g - x^ mean(g x^)), dw += d x^.
 */
static void unrotate_head(float *d, const float *x, const float *weight, float *dweight, float eps,
                          const float *cos_sin, int64_t D) {
    int64_t half = D / 2;
    each_vector(half, [=](int64_t i, auto n) {
        vf a = load(d + i, n), b = load(d + half + i, n);
        vf c = load(cos_sin + i, n), s = load(cos_sin + half + i, n);
        store(d + i, a * c + b * s, n);
        store(d + half + i, b * c - a * s, n);
    });
    if (!weight) return;
    float r = inverse_rms(x, D, eps);
    vf dot = sum_vectors(D, [=](int64_t i, auto n) { return load(d + i, n) * load(weight + i, n) * load(x + i, n); });
    float mean = reduce_add(dot) / (float)D * r * r; // mean(g x^) r
    each_vector(D, [=](int64_t i, auto n) {
        vf g = load(d + i, n), v = load(x + i, n);
        if (dweight) store(dweight + i, fma(g * set1(r), v, load(dweight + i, n)), n);
        store(d + i, set1(r) * fma(-v, set1(mean), g * load(weight + i, n)), n);
    });
}

int qkv_backward(it_addr dqkv_, it_addr dbias_, it_addr dq_norm_, it_addr dk_norm_, it_addr qkv_, it_addr q_norm_,
                 it_addr k_norm_, float eps, it_addr rope_, it_addr positions_, int64_t T, int64_t Hq, int64_t Hkv,
                 int64_t D, int32_t dtype, it_stream) {
    if (int status = check(__func__, dqkv_, rope_, positions_, T, Hq, Hkv, D, dtype)) return status;
    IT_CHECK(D % 2 == 0, "D is %lld: rotation pairs elements", (long long)D);
    IT_CHECK(!q_norm_ == !k_norm_, "one of q_norm and k_norm without the other");
    IT_CHECK(T == 0 || !q_norm_ || qkv_, "norms without the projection");
    IT_CHECK(q_norm_ || (!dq_norm_ && !dk_norm_), "gradient of a norm that is not there");
    float *dqkv = (float *)dqkv_;
    const float *qkv = (const float *)qkv_, *rope = (const float *)rope_;
    const float *norms[2] = {(const float *)q_norm_, (const float *)k_norm_};
    const int32_t *positions = (const int32_t *)positions_;
    const int64_t width = (Hq + 2 * Hkv) * D;

    /* A block's partial sums: dbias [width], dq_norm [D], dk_norm [D]. */
    RowBlocks blocks(T);
    const int64_t stride = width + 2 * D;
    float *partial = nullptr;
    if (dbias_ || dq_norm_ || dk_norm_) {
        IT_SCRATCH(float, memory, blocks.count * stride);
        partial = memory;
    }
    const bool want_bias = dbias_, want_norm = dq_norm_ || dk_norm_;

    parallel_for(blocks.count, 4 * width * blocks.per_block, [=](int64_t block) {
        float *sums = partial ? partial + block * stride : nullptr;
        if (sums) memset(sums, 0, stride * sizeof(float));
        for (int64_t t = blocks.begin(block); t < blocks.end(block); t++) {
            float *d = dqkv + t * width;
            const float *cos_sin = rope + positions[t] * D;
            for (int64_t h = 0; h < Hq + Hkv; h++) {
                bool key = h >= Hq;
                unrotate_head(d + h * D, qkv + t * width + h * D, norms[key],
                              want_norm ? sums + width + key * D : nullptr, eps, cos_sin, D);
            }
            if (want_bias) {
                each_vector(width, [=](int64_t j, auto n) { store(sums + j, load(sums + j, n) + load(d + j, n), n); });
            }
        }
    });
    if (dbias_) blocks.add_to((float *)dbias_, partial, stride, width);
    if (dq_norm_) blocks.add_to((float *)dq_norm_, partial + width, stride, D);
    if (dk_norm_) blocks.add_to((float *)dk_norm_, partial + width + D, stride, D);
    return IT_OK;
}

int kv_cache_write(it_addr k_cache, it_addr v_cache, it_addr qkv, it_addr row_, int64_t T, int64_t Hq, int64_t Hkv,
                   int64_t D, int32_t dtype, it_stream) {
    if (int status = check(__func__, k_cache, v_cache, row_, T, Hq, Hkv, D, dtype)) return status;
    IT_CHECK(T == 0 || qkv, "null address");
    const int32_t *row = (const int32_t *)row_;
    const int64_t size = Hkv * D;
    parallel_for(T, 2 * size, [=](int64_t t) {
        const float *k = (const float *)qkv + t * (Hq + 2 * Hkv) * D + Hq * D;
        memcpy((float *)k_cache + row[t] * size, k, size * sizeof(float));
        memcpy((float *)v_cache + row[t] * size, k + size, size * sizeof(float));
    });
    return IT_OK;
}

} // namespace intuitor::INTUITOR_ISA

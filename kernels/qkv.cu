/*
 * Between the query/key/value projection and attention: bias, per-head RMSNorm (Qwen3), rotary embedding (Su et al.
 * 2021, the rotate-half form of Hugging Face), and the key/value cache. One pass over the rows each way.
 *
 * A head of a token belongs to `lanes` neighbouring threads, a power of two of at most a warp: each holds VECTOR<T>
 * elements of the first half and their partners in the second, which is what a rotation pairs. So nothing depends on
 * where in the batch a token stands.
 */
#include "row_blocks.cuh"

namespace intuitor::cuda {

namespace {

constexpr int THREADS = 128, MAX_HEAD = 256;

struct Heads {
    int rotated, all; // queries and keys; with values
    int queries;
    int size;  // D
    int lanes; // threads of a head
    __host__ __device__ int64_t width() const { return (int64_t)all * size; }
    __host__ __device__ int per_block() const { return THREADS / lanes; }
};

template <class T> Heads heads_of(int64_t Hq, int64_t Hkv, int64_t D) {
    static_assert(MAX_HEAD / 2 <= WARP * VECTOR<T>);
    int lanes = 1;
    while (lanes * VECTOR<T> < D / 2) lanes *= 2;
    return {(int)(Hq + Hkv), (int)(Hq + 2 * Hkv), (int)Hq, (int)D, lanes};
}

/* What a thread holds of a head: the two halves of its pairs. */
template <class T> struct Pairs {
    float a[VECTOR<T>], b[VECTOR<T>];

    template <bool ALIGNED, class S> __device__ __forceinline__ void load(const S *p, int half, int count) {
        load_vector<ALIGNED>(a, p, count);
        load_vector<ALIGNED>(b, p + half, count);
    }
    template <bool ALIGNED> __device__ __forceinline__ void store(T *p, int half, int count) const {
        store_vector<ALIGNED>(p, a, count);
        store_vector<ALIGNED>(p + half, b, count);
    }
};

/* The same, as stored. */
template <class T> struct RawPairs {
    uint4 a, b;

    template <bool ALIGNED> __device__ __forceinline__ void load(const T *p, int half, int count) {
        a = load_raw<ALIGNED>(p, count);
        b = load_raw<ALIGNED>(p + half, count);
    }
    __device__ __forceinline__ Pairs<T> widened() const {
        Pairs<T> x;
        widen<T>(x.a, a);
        widen<T>(x.b, b);
        return x;
    }
};

/* A head a group of `lanes` threads. */
template <class T, bool ALIGNED, bool NORM>
__global__ void __launch_bounds__(THREADS)
forward(T *out, T *qkv, const T *bias, const T *q_norm, const T *k_norm, float eps, const float *rope,
        const int32_t *positions, unsigned items, Heads heads) {
    constexpr int N = VECTOR<T>;
    unsigned item = blockIdx.x * heads.per_block() + threadIdx.x / heads.lanes;
    unsigned token = item / heads.all;
    int head = (int)(item % heads.all), half = heads.size / 2;
    int column = threadIdx.x % heads.lanes * N, count = item < items ? half - column : 0;
    bool rotated = head < heads.rotated && item < items;
    int64_t offset = (int64_t)token * heads.width() + head * heads.size + column;

    Pairs<T> x;
    x.template load<ALIGNED>(qkv + offset, half, count);
    Pairs<T> table; // cosines and sines
    table.template load<ALIGNED>(rope + (rotated ? (int64_t)positions[token] * heads.size : 0) + column, half,
                                 rotated ? count : 0);
    if (bias) {
        Pairs<T> change;
        change.template load<ALIGNED>(bias + head * heads.size + column, half, count);
#pragma unroll
        for (int j = 0; j < N; j++) {
            x.a[j] += change.a[j];
            x.b[j] += change.b[j];
            if constexpr (NORM) { // the sum is stored, and what is stored is normalised
                x.a[j] = rounded<T>(x.a[j]);
                x.b[j] = rounded<T>(x.b[j]);
            }
        }
        if constexpr (NORM) x.template store<ALIGNED>(qkv + offset, half, count);
    }
    if constexpr (NORM) {
        float squares = 0;
#pragma unroll
        for (int j = 0; j < N; j++) squares += x.a[j] * x.a[j] + x.b[j] * x.b[j];
        float r = 1 / sqrtf(lanes_reduce(squares, heads.lanes, Sum()) / (float)heads.size + eps);
        if (rotated) {
            Pairs<T> weight;
            weight.template load<ALIGNED>((head < heads.queries ? q_norm : k_norm) + column, half, count);
#pragma unroll
            for (int j = 0; j < N; j++) {
                x.a[j] *= r * weight.a[j];
                x.b[j] *= r * weight.b[j];
            }
        }
    }
    if (rotated) {
#pragma unroll
        for (int j = 0; j < N; j++) {
            float a = x.a[j], b = x.b[j];
            x.a[j] = a * table.a[j] - b * table.b[j];
            x.b[j] = b * table.a[j] + a * table.b[j];
        }
    } else if (out == qkv && !bias) {
        return; // values that stay as they are
    }
    x.template store<ALIGNED>(out + offset, half, count);
}

/*
 * The rotation's transpose; then, with norms, as in rms_norm.cu: g = d w, x^ = x r, dx = r (g - x^ mean(g x^)),
 * dw += d x^. A head a group of `lanes` threads, which go through a block of rows, the next row's elements being loaded
 * while one row is worked on; blockIdx.y counts groups of heads.
 *   bias_sums [blocks, width], optional: a thread keeps the sums of its columns.
 *   norm_sums [blocks, gridDim.y, 2, D], optional: the heads of a block of threads are added, queries and keys apart.
 */
template <class T, bool ALIGNED, bool NORM>
__global__ void __launch_bounds__(THREADS)
backward(T *dqkv, float *bias_sums, float *norm_sums, const T *qkv, const T *q_norm, const T *k_norm, float eps,
         const float *rope, const int32_t *positions, RowBlocks blocks, Heads heads) {
    constexpr int N = VECTOR<T>;
    int local = threadIdx.x / heads.lanes, head = blockIdx.y * heads.per_block() + local, half = heads.size / 2;
    bool rotated = head < heads.rotated;
    int column = threadIdx.x % heads.lanes * N;
    int count = rotated || (bias_sums && head < heads.all) ? half - column : 0, rotated_count = rotated ? count : 0;
    int64_t width = heads.width(), in_row = (int64_t)head * heads.size + column;

    Pairs<T> dbias = {}, dnorm = {};
    RawPairs<T> weight = {}, next_d, next_x = {};
    if constexpr (NORM) {
        weight.template load<ALIGNED>((head < heads.queries ? q_norm : k_norm) + column, half, rotated_count);
    }
    auto load = [&](int64_t row) {
        next_d.template load<ALIGNED>(dqkv + row * width + in_row, half, count);
        if constexpr (NORM) next_x.template load<ALIGNED>(qkv + row * width + in_row, half, rotated_count);
    };
    int64_t row = blocks.begin(blockIdx.x), end = blocks.end(blockIdx.x);
    load(row);
    for (; row < end; row++) {
        RawPairs<T> raw_d = next_d, raw_x = next_x;
        if (row + 1 < end) load(row + 1);
        Pairs<T> d = raw_d.widened();
        if (rotated) {
            Pairs<T> table;
            table.template load<ALIGNED>(rope + (int64_t)positions[row] * heads.size + column, half, count);
#pragma unroll
            for (int j = 0; j < N; j++) {
                float a = d.a[j], b = d.b[j];
                d.a[j] = a * table.a[j] + b * table.b[j];
                d.b[j] = b * table.a[j] - a * table.b[j];
            }
        }
        if constexpr (NORM) {
            Pairs<T> x = raw_x.widened(), w = weight.widened();
            float squares = 0, dot = 0;
#pragma unroll
            for (int j = 0; j < N; j++) {
                squares += x.a[j] * x.a[j] + x.b[j] * x.b[j];
                dot += d.a[j] * w.a[j] * x.a[j] + d.b[j] * w.b[j] * x.b[j];
            }
            float r = 1 / sqrtf(lanes_reduce(squares, heads.lanes, Sum()) / (float)heads.size + eps);
            float mean = lanes_reduce(dot, heads.lanes, Sum()) / (float)heads.size * r * r; // mean(g x^) r
            if (rotated) {
#pragma unroll
                for (int j = 0; j < N; j++) {
                    dnorm.a[j] += d.a[j] * r * x.a[j];
                    dnorm.b[j] += d.b[j] * r * x.b[j];
                    d.a[j] = r * (d.a[j] * w.a[j] - x.a[j] * mean);
                    d.b[j] = r * (d.b[j] * w.b[j] - x.b[j] * mean);
                }
            }
        }
#pragma unroll
        for (int j = 0; j < N; j++) {
            dbias.a[j] += d.a[j];
            dbias.b[j] += d.b[j];
        }
        if (rotated) d.template store<ALIGNED>(dqkv + row * width + in_row, half, count);
    }
    if (bias_sums) {
        float *to = bias_sums + blockIdx.x * width + in_row;
        store_vector<ALIGNED>(to, dbias.a, count);
        store_vector<ALIGNED>(to + half, dbias.b, count);
    }
    if constexpr (NORM) {
        if (!norm_sums) return;
        __shared__ float sums[THREADS * 2 * N]; // [heads of this block, D]
#pragma unroll
        for (int j = 0; j < N; j++) {
            if (j < rotated_count) {
                sums[local * heads.size + column + j] = dnorm.a[j];
                sums[local * heads.size + half + column + j] = dnorm.b[j];
            }
        }
        __syncthreads();
        int first = blockIdx.y * heads.per_block(), last = min(first + heads.per_block(), heads.rotated);
        float *to = norm_sums + ((int64_t)blockIdx.x * gridDim.y + blockIdx.y) * 2 * heads.size;
        for (int j = threadIdx.x; j < heads.size; j += THREADS) {
            float queries = 0, keys = 0;
            for (int h = first; h < last; h++) {
                float value = sums[(h - first) * heads.size + j];
                (h < heads.queries ? queries : keys) += value;
            }
            to[j] = queries;
            to[heads.size + j] = keys;
        }
    }
}

/* A block a row: keys, then values. */
template <class T, bool ALIGNED>
__global__ void __launch_bounds__(THREADS)
write_cache(T *k_cache, T *v_cache, const T *qkv, const int32_t *row, int64_t stride, int64_t queries, int64_t size) {
    constexpr int N = ALIGNED ? VECTOR<T> : 1;
    const T *from = qkv + blockIdx.x * stride + queries;
    int64_t to = row[blockIdx.x] * size;
    for (int64_t j = threadIdx.x * N; j < 2 * size; j += THREADS * N) {
        T *p = j < size ? k_cache + to + j : v_cache + to + j - size;
        if constexpr (ALIGNED) {
            *(uint4 *)p = *(const uint4 *)(from + j);
        } else {
            *p = from[j];
        }
    }
}

int check_sizes(const char *function, int64_t T, int64_t Hq, int64_t Hkv, int64_t D) {
    if (T < 0 || T > INT32_MAX || Hq <= 0 || Hq > INT32_MAX || Hkv <= 0 || Hkv > INT32_MAX || D <= 0 ||
        T * (Hq + 2 * Hkv) > INT32_MAX) {
        return fail(IT_INVALID, function, "sizes T %lld, Hq %lld, Hkv %lld, D %lld", (long long)T, (long long)Hq,
                    (long long)Hkv, (long long)D);
    }
    return IT_OK;
}

} // namespace

int qkv_forward(it_addr out, it_addr qkv, it_addr bias, it_addr q_norm, it_addr k_norm, float eps, it_addr rope,
                it_addr positions, int64_t T, int64_t Hq, int64_t Hkv, int64_t D, int32_t dtype, it_stream s) {
    if (int status = check_sizes(__func__, T, Hq, Hkv, D)) return status;
    IT_CHECK(D % 2 == 0 && D <= MAX_HEAD, "D is %lld: an even number up to %d is expected", (long long)D, MAX_HEAD);
    IT_CHECK(T == 0 || (out && qkv && rope && positions), "null address");
    IT_CHECK(!q_norm == !k_norm, "one of q_norm and k_norm without the other");
    IT_CHECK(T == 0 || !q_norm || out != qkv, "out aliases qkv, which the norms' backward pass needs");
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (T == 0) return (int)IT_OK;
        Heads heads = heads_of<S>(Hq, Hkv, D);
        unsigned items = (unsigned)(T * heads.all);
        dim3 grid((unsigned)ceil_div(items, heads.per_block()));
        bool vectors = aligned<S>(D / 2, out, qkv, bias, q_norm, k_norm, rope);
        return with_flag(vectors, [=](auto flag) {
            return with_flag(q_norm, [=](auto norm) {
                return check(launch(forward<S, flag.value, norm.value>, grid, THREADS, 0, s, (S *)out, (S *)qkv,
                                    (const S *)bias, (const S *)q_norm, (const S *)k_norm, eps, (const float *)rope,
                                    (const int32_t *)positions, items, heads), "qkv_forward");
            });
        });
    });
}

int qkv_backward(it_addr dqkv, it_addr dbias, it_addr dq_norm, it_addr dk_norm, it_addr qkv, it_addr q_norm,
                 it_addr k_norm, float eps, it_addr rope, it_addr positions, int64_t T, int64_t Hq, int64_t Hkv,
                 int64_t D, int32_t dtype, it_stream s) {
    if (int status = check_sizes(__func__, T, Hq, Hkv, D)) return status;
    IT_CHECK(D % 2 == 0 && D <= MAX_HEAD, "D is %lld: an even number up to %d is expected", (long long)D, MAX_HEAD);
    IT_CHECK(T == 0 || (dqkv && rope && positions), "null address");
    IT_CHECK(!q_norm == !k_norm, "one of q_norm and k_norm without the other");
    IT_CHECK(T == 0 || !q_norm || qkv, "norms without the projection");
    IT_CHECK(q_norm || (!dq_norm && !dk_norm), "gradient of a norm that is not there");
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (T == 0) return (int)IT_OK;
        Heads heads = heads_of<S>(Hq, Hkv, D);
        RowBlocks blocks(T);
        int64_t groups = ceil_div(heads.all, heads.per_block()), width = heads.width();
        int64_t bias_size = dbias ? blocks.count * width : 0;
        int64_t norm_size = dq_norm || dk_norm ? blocks.count * groups * 2 * D : 0;
        IT_WORKSPACE("qkv_backward", partial, (size_t)(bias_size + norm_size) * sizeof(float), s);
        float *bias_sums = dbias ? partial.get<float>() : nullptr;
        float *norm_sums = norm_size ? partial.get<float>() + bias_size : nullptr;
        bool vectors = aligned<S>(D / 2, dqkv, q_norm ? qkv : 0, q_norm, k_norm, rope);
        int status = with_flag(vectors, [=](auto flag) {
            return with_flag(q_norm, [=](auto norm) {
                return check(launch(backward<S, flag.value, norm.value>, dim3((unsigned)blocks.count, (unsigned)groups),
                                    THREADS, 0, s, (S *)dqkv, bias_sums, norm_sums, (const S *)qkv, (const S *)q_norm,
                                    (const S *)k_norm, eps, (const float *)rope, (const int32_t *)positions, blocks,
                                    heads), "qkv_backward");
            });
        });
        auto add = [&](it_addr to, const float *sums, int64_t count, int64_t stride, int64_t columns) {
            if (status || !to) return;
            status = check(launch_add_partial_sums(to, sums, count, stride, columns, s), "qkv_backward");
        };
        add(dbias, bias_sums, blocks.count, width, width);
        add(dq_norm, norm_sums, blocks.count * groups, 2 * D, D);
        add(dk_norm, norm_sums + D, blocks.count * groups, 2 * D, D);
        return status;
    });
}

int kv_cache_write(it_addr k_cache, it_addr v_cache, it_addr qkv, it_addr row, int64_t T, int64_t Hq, int64_t Hkv,
                   int64_t D, int32_t dtype, it_stream s) {
    if (int status = check_sizes(__func__, T, Hq, Hkv, D)) return status;
    IT_CHECK(T == 0 || (k_cache && v_cache && qkv && row), "null address");
    return with_storage(__func__, dtype, [=](auto type) {
        using S = decltype(type);
        if (T == 0) return (int)IT_OK;
        bool vectors = aligned<S>(Hkv * D, k_cache, v_cache, qkv) && aligned<S>(Hq * D);
        return check(launch(vectors ? write_cache<S, true> : write_cache<S, false>, dim3((unsigned)T), THREADS, 0, s,
                            (S *)k_cache, (S *)v_cache, (const S *)qkv, (const int32_t *)row, (Hq + 2 * Hkv) * D,
                            Hq * D, Hkv * D), "kv_cache_write");
    });
}

} // namespace intuitor::cuda

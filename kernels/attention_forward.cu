/*
 * Attention, forward:  out = softmax(q k^T / sqrt(D)) v  over packed segments with shared prefixes.
 *
 * FlashAttention-2 (Dao 2023, arXiv 2307.08691), algorithm 1, bf16 on the tensor cores: a block of 4 warps keeps 128
 * rows, 32 a warp, and walks once over tiles of 64 keys, with
 *     m  the largest product q k so far,   l = sum_j exp(s_j - m),   O = sum_j exp(s_j - m) v_j
 * of each row in registers, rescaling l and O as m grows; out = O / l, lse = m + log l. Exponentials are powers of two,
 * so a probability costs one fma and one instruction of the special function unit.
 *
 * 32 rows a warp: a fragment of keys that comes from shared memory feeds two products, else shared memory's bandwidth
 * and not the tensor cores would be the limit. O of 32 rows and the scores take 192 registers at D = 128, so queries
 * come from shared memory again for each tile there, and stay in registers at D = 64.
 *
 * The next keys are copied while the softmax and the second product run, the next values during the first product.
 */
#include "attention_mma.cuh"

namespace intuitor::cuda {

using namespace attention;

namespace {

constexpr int THREADS = 128, WARPS = THREADS / WARP, ROWS = 128, KEYS = 64;
constexpr int M = ROWS / WARPS / 16; // products of 16 rows, a warp
constexpr int N = KEYS / 8;          // products of 8 keys

template <int D> __global__ void __launch_bounds__(THREADS, 2) forward_kernel(Forward<bf16> f, int tiles) {
    constexpr int K = D / 16;
    constexpr bool KEEP_Q = D <= 64;
    Block block = block_of(blockIdx.x, tiles, f.Hkv);
    const it_segment s = f.segments[block.segment];
    int first = block.tile * ROWS, rows = s.q_len * f.group.size;
    if (first >= rows) return;
    bf16 *q = dynamic_shared<bf16>(), *k = q + ROWS * D, *v = k + KEYS * D;
    int own = warp() * (ROWS / WARPS); // the warp's first row in the tile
    bf16 *q_own = q + own * D;
    int at_a = lane_a<D>(), at_b = lane_b<D>();
    int before = s.k_len - s.q_len; // own keys that all queries see
    KeyTiles<KEYS> keys(s, before + f.group.query(min(first + ROWS, rows) - 1));

    auto copy_keys = [&](bf16 *tile, const bf16 *matrix, int n) {
        KeyTile from = keys[n];
        copy_rows<D, KEYS, THREADS>(tile, matrix + from.first * f.kv_stride + block.kv_head * D, f.kv_stride,
                                    from.count, threadIdx.x);
        cp_async_commit();
    };
    copy_scattered_rows<D, ROWS, THREADS>(q, rows - first, threadIdx.x,
                                          [&](int r) { return f.query(s, block.kv_head, first + r); });
    copy_keys(k, f.k, 0);

    float out[M][D / 8][4] = {}, m[M][2], l[M][2] = {};
#pragma unroll
    for (int i = 0; i < M; i++) m[i][0] = m[i][1] = LOWEST;
    uint32_t q_kept[KEEP_Q ? M : 1][KEEP_Q ? K : 1][4];

    for (int n = 0; n < keys.size; n++) {
        cp_async_wait<0>();
        __syncthreads(); // the keys are there, and nobody reads the values before any more
        copy_keys(v, f.v, n);
        if constexpr (KEEP_Q) {
            if (n == 0) {
#pragma unroll
                for (int i = 0; i < M; i++) {
#pragma unroll
                    for (int kk = 0; kk < K; kk++) load_a<D>(q_kept[i][kk], q_own, at_a, 16 * i, kk);
                }
            }
        }
        float score[M][N][4] = {};
#pragma unroll(KEEP_Q ? K : 1) // more of it takes registers that are not there
        for (int kk = 0; kk < K; kk++) {
            uint32_t a[M][4];
#pragma unroll
            for (int i = 0; i < M; i++) {
                if constexpr (KEEP_Q) {
#pragma unroll
                    for (int j = 0; j < 4; j++) a[i][j] = q_kept[i][kk][j];
                } else {
                    load_a<D>(a[i], q_own, at_a, 16 * i, kk);
                }
            }
#pragma unroll
            for (int j = 0; j < N; j += 2) {
                uint32_t b[4];
                load_b<D>(b, k, at_b, 8 * j, kk);
#pragma unroll
                for (int i = 0; i < M; i++) mma_pair(score[i][j], score[i][j + 1], a[i], b);
            }
        }
        cp_async_wait<0>();
        __syncthreads(); // the values are there, and nobody reads these keys any more
        if (n + 1 < keys.size) copy_keys(k, f.k, n + 1);

        KeyTile tile = keys[n];
        if (tile.seen(before + f.group.query(first)) < KEYS) { // the diagonal, or the last keys
#pragma unroll
            for (int i = 0; i < M; i++) {
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    // rows beyond the end are like the last one: every row sees something
                    int row = min(first + own + 16 * i + 8 * half + lane() / 4, rows - 1);
                    int seen = tile.seen(before + f.group.query(row)) - lane() % 4 * 2;
#pragma unroll
                    for (int j = 0; j < N; j++) {
                        if (8 * j >= seen) score[i][j][2 * half] = LOWEST;
                        if (8 * j + 1 >= seen) score[i][j][2 * half + 1] = LOWEST;
                    }
                }
            }
        }
#pragma unroll
        for (int i = 0; i < M; i++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float largest = score[i][0][2 * half];
#pragma unroll
                for (int j = 0; j < N; j++) {
                    largest = fmaxf(largest, fmaxf(score[i][j][2 * half], score[i][j][2 * half + 1]));
                }
                largest = fmaxf(m[i][half], quad_reduce(largest, Max()));
                float shrink = fast_exp2((m[i][half] - largest) * f.log2_scale);
                float offset = largest * f.log2_scale, sum = 0;
                m[i][half] = largest;
#pragma unroll
                for (int j = 0; j < N; j++) {
#pragma unroll
                    for (int e = 2 * half; e < 2 * half + 2; e++) {
                        score[i][j][e] = fast_exp2(fmaf(score[i][j][e], f.log2_scale, -offset));
                        sum += score[i][j][e];
                    }
                }
                l[i][half] = fmaf(l[i][half], shrink, sum); // of this lane's keys; the quad's are added at the end
#pragma unroll
                for (int j = 0; j < D / 8; j++) {
                    out[i][j][2 * half] *= shrink;
                    out[i][j][2 * half + 1] *= shrink;
                }
            }
        }
#pragma unroll
        for (int kk = 0; kk < KEYS / 16; kk++) {
            uint32_t a[M][4];
#pragma unroll
            for (int i = 0; i < M; i++) to_operand(a[i], score[i][2 * kk], score[i][2 * kk + 1]);
#pragma unroll
            for (int j = 0; j < D / 16; j++) {
                uint32_t b[4];
                load_b_transposed<D>(b, v, at_a, 16 * kk, j);
#pragma unroll
                for (int i = 0; i < M; i++) mma_pair(out[i][2 * j], out[i][2 * j + 1], a[i], b);
            }
        }
    }
    // the warp's own rows of the queries' tile become those of the result: no other warp reads them
    __syncwarp();
#pragma unroll
    for (int i = 0; i < M; i++) {
        float factor[2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float sum = quad_reduce(l[i][half], Sum());
            int row = first + own + 16 * i + 8 * half + lane() / 4;
            factor[half] = 1 / sum;
            if (f.lse && row < rows && lane() % 4 == 0) {
                f.lse[f.result(s, block.kv_head, row)] = fmaf(m[i][half], f.scale, logf(sum));
            }
        }
        put_rows<D>(q_own, 16 * i, out[i], factor[0], factor[1]);
    }
    __syncwarp();
    write_rows<D, ROWS / WARPS>(q_own, 0, [&](int r) {
        int row = first + own + r;
        return row < rows ? f.out + f.result(s, block.kv_head, row) * D : nullptr;
    });
}

template <int D> int tensor_forward(const Forward<bf16> &f, it_stream s) {
    int tiles = (int)ceil_div(f.max_q * f.group.size, ROWS);
    unsigned blocks = block_count(f.S, f.Hkv, tiles);
    if (!blocks) return fail(IT_INVALID, "attention_forward", "too many tiles for one call");
    return check(launch(forward_kernel<D>, dim3(blocks), THREADS, sizeof(bf16) * (ROWS + 2 * KEYS) * D, s, f, tiles),
                 "attention_forward");
}

template <class T> int run(const Forward<T> &f, it_stream s) {
    if constexpr (std::is_same_v<T, bf16>) {
        if (fits_tensor_cores(f)) {
            if (f.max_q == 1) return tensor_decode({f, nullptr, 0}, "attention_forward", s);
            return f.D == 64 ? tensor_forward<64>(f, s) : tensor_forward<128>(f, s);
        }
    }
    return generic_forward(PagedForward<T>{f, nullptr, 0}, "attention_forward", s);
}

} // namespace

int attention_forward(it_addr out, it_addr lse, it_addr q, int64_t q_stride, it_addr k, it_addr v, int64_t kv_stride,
                      it_addr segments, int64_t S, int64_t max_q, int64_t max_k, int64_t T, int64_t Hq, int64_t Hkv,
                      int64_t D, int32_t dtype, it_stream s) {
    IT_CHECK(S >= 0 && T >= 0, "S = %lld, T = %lld", (long long)S, (long long)T);
    if (S == 0) return IT_OK;
    if (int status = check_shape(__func__, Hq, Hkv, D, max_q, max_k)) return status;
    IT_CHECK(q_stride >= Hq * D && kv_stride >= Hkv * D, "strides %lld and %lld are below a row's %lld and %lld",
             (long long)q_stride, (long long)kv_stride, (long long)(Hq * D), (long long)(Hkv * D));
    IT_CHECK(out && q && k && v && segments, "null address");
    return with_storage(__func__, dtype, [=](auto type) {
        using S_ = decltype(type);
        Forward<S_> f{(S_ *)out, (float *)lse, (const S_ *)q, q_stride, (const S_ *)k, (const S_ *)v, kv_stride,
                      (const it_segment *)segments, S, max_q, max_k, (int)Hq, (int)Hkv, (int)D, Group(Hq / Hkv),
                      score_scale(D), score_scale(D) * (float)LOG2_E};
        return run(f, s);
    });
}

} // namespace intuitor::cuda

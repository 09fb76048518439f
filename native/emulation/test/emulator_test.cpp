/*
 * Small kernels, most of them deliberately wrong: what the emulated device says about each. Usage: emulator_test CASE
 * prints it, and what the kernel has written; EmulatorTest.java says what is expected. With AddressSanitizer, accesses
 * outside of an allocation and misaligned ones end the program. sm90_cases.cpp and product_cases.cpp have those of
 * sm_90's instructions.
 */
#include "cases.h"

using namespace intuitor::cuda;

namespace {

/* --- divergence --------------------------------------------------------------------------------------------------- */

__global__ void barrier_of_some(float *out) {
    if (threadIdx.x < 16) __syncthreads();
    out[threadIdx.x] = 1;
}

__global__ void two_barriers(float *out) {
    if (threadIdx.x < WARP) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = 1;
}

__global__ void shuffle_of_some(float *out) {
    float x = (float)threadIdx.x;
    if (threadIdx.x % WARP != 5) x = __shfl_xor_sync(FULL_WARP, x, 1);
    out[threadIdx.x] = x;
}

__global__ void two_shuffles(float *out) {
    float x = (float)threadIdx.x;
    if (threadIdx.x % 2) {
        x = __shfl_xor_sync(FULL_WARP, x, 1);
    } else {
        x = __shfl_down_sync(FULL_WARP, x, 1);
    }
    out[threadIdx.x] = x;
}

__global__ void shuffle_of_half_a_mask(float *out) {
    out[threadIdx.x] = __shfl_sync(0xffffu, (float)threadIdx.x, 0);
}

/* --- memory that was not written yet ------------------------------------------------------------------------------ */

__global__ void half_written_shared(float *out) {
    __shared__ float values[N];
    if (threadIdx.x < N / 2) values[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = values[threadIdx.x];
}

__global__ void half_written_dynamic(float *out) {
    float *values = dynamic_shared<float>();
    if (threadIdx.x < N / 2) values[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = values[threadIdx.x];
}

/* A block must not find what the block before it has left. */
__global__ void shared_of_the_block_before(float *out) {
    __shared__ float value;
    if (blockIdx.x == 0 && threadIdx.x == 0) value = 1;
    __syncthreads();
    if (threadIdx.x == 0) out[blockIdx.x] = value;
}

__global__ void half_written_global(float *out) {
    if (threadIdx.x < N / 2) out[threadIdx.x] = 1;
}

/* --- asynchronous copies ------------------------------------------------------------------------------------------ */

/* A warp copies 4 floats a lane in two groups; all but the `WAIT` youngest are waited for. */
template <int WAIT> __global__ void copied(float *out, const float *in) {
    __shared__ __align__(16) float values[2][4 * WARP];
    for (int group = 0; group < 2; group++) {
        cp_async_16(&values[group][4 * threadIdx.x], in + 4 * threadIdx.x);
        cp_async_commit();
    }
    if (WAIT < 2) cp_async_wait<WAIT>();
    __syncthreads();
    out[threadIdx.x] = values[0][threadIdx.x];
    out[WARP + threadIdx.x] = values[1][threadIdx.x];
}

__global__ void misaligned_copy(float *out, const float *in) {
    __shared__ __align__(16) float values[4 * WARP + 4];
    cp_async_16(&values[4 * threadIdx.x], in + 4 * threadIdx.x + 1);
    cp_async_wait<0>();
    out[threadIdx.x] = values[threadIdx.x];
}

/* --- order -------------------------------------------------------------------------------------------------------- */

__global__ void neighbour_without_barrier(float *out) {
    __shared__ float values[N];
    values[threadIdx.x] = (float)threadIdx.x;
    out[threadIdx.x] = values[(threadIdx.x + 1) % N];
}

__global__ void last_block_wins(float *out) {
    if (threadIdx.x == 0) out[0] = (float)blockIdx.x;
}

__global__ void last_thread_wins(float *out) {
    out[0] = (float)threadIdx.x;
}

/* The same kernel in both orders of threads and blocks. */
template <class... Parameters> void in_both_orders(void (*kernel)(Parameters...), int blocks, int size) {
    for (int i = 0; i < 2; i++) {
        cudaSetDevice(0);
        Buffer out(size);
        run(kernel, blocks, N, 0, out.data);
        out.print();
    }
}

/* --- outside of an allocation ------------------------------------------------------------------------------------- */

__global__ void write_at(float *out, int i) { out[i] = 1; }

__global__ void static_shared_at(float *out, int i) {
    __shared__ float values[N];
    values[threadIdx.x + i] = 1;
    __syncthreads();
    out[threadIdx.x] = values[threadIdx.x];
}

__global__ void dynamic_shared_at(float *out, int i) {
    float *values = dynamic_shared<float>();
    values[threadIdx.x + i] = 1;
    __syncthreads();
    out[threadIdx.x] = values[threadIdx.x];
}

__global__ void vector_at(float *out, int i) { *(float4 *)(out + i) = {1, 1, 1, 1}; }

/* --- what is right ------------------------------------------------------------------------------------------------ */

__global__ void sums(float *out) {
    float sum = block_reduce<N>((float)threadIdx.x, Sum());
    int odd = __syncthreads_count(threadIdx.x % 2);
    float from_below = __shfl_up_sync(FULL_WARP, (float)threadIdx.x, 1);
    unsigned votes = __ballot_sync(FULL_WARP, threadIdx.x % 4 == 0);
    if (threadIdx.x == N - 1) {
        out[4 * blockIdx.x] = sum;
        out[4 * blockIdx.x + 1] = (float)odd;
        out[4 * blockIdx.x + 2] = from_below;
        out[4 * blockIdx.x + 3] = (float)__popc(votes);
    }
}

/*
 * d [16,8] = a [16,16] b [16,8] on one warp, a row-major, b [k,n] row-major and read transposed, or [n,k] and read as
 * it is. The layouts of ldmatrix and of mma must fit each other and PTX's.
 */
__global__ void product(float *d, const float *a, const float *b, bool transposed) {
    __shared__ __align__(16) bf16 a_tile[16 * 16], b_tile[16 * 16];
    int lane = (int)threadIdx.x;
    for (int i = lane; i < 16 * 16; i += WARP) {
        a_tile[i] = from_float<bf16>(a[i]);
        b_tile[i] = from_float<bf16>(0);
    }
    __syncwarp();
    for (int i = lane; i < 16 * 8; i += WARP) {
        int k = i / 8, n = i % 8;
        b_tile[transposed ? k * 16 + n : n * 16 + k] = from_float<bf16>(b[i]);
    }
    __syncwarp();
    uint32_t a_fragment[4], b_fragment[4];
    // matrices 0..3 of a: rows 0-7 and 8-15 of columns 0-7, then of columns 8-15
    ldmatrix_x4(a_fragment, a_tile + lane % 16 * 16 + lane / 16 * 8);
    if (transposed) { // matrices 0, 1: rows 0-7 and 8-15 of columns 0-7; the other two are not used
        ldmatrix_x4_transposed(b_fragment, b_tile + lane % 16 * 16 + lane / 16 * 8);
    } else { // matrices 0, 1: columns 0-7 and 8-15 of rows 0-7
        ldmatrix_x4(b_fragment, b_tile + lane % 8 * 16 + lane / 8 % 2 * 8);
    }
    float sums[4] = {};
    mma_m16n8k16(sums, a_fragment, {b_fragment[0], b_fragment[1]});
    for (int i = 0; i < 4; i++) d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sums[i];
}

void products() {
    for (bool transposed : {false, true}) {
        Buffer a(16 * 16), b(16 * 8), d(16 * 8);
        for (int i = 0; i < a.size; i++) a.data[i] = (float)(i * 7 % 23 - 11);
        for (int i = 0; i < b.size; i++) b.data[i] = (float)(i * 5 % 17 - 8);
        run(product, 1, WARP, 0, d.data, a.data, b.data, transposed);
        int wrong = 0;
        for (int m = 0; m < 16; m++) {
            for (int n = 0; n < 8; n++) {
                float sum = 0; // small whole numbers: exact
                for (int k = 0; k < 16; k++) sum += a.data[m * 16 + k] * b.data[k * 8 + n];
                wrong += d.data[m * 8 + n] != sum;
            }
        }
        printf("%d of %d are wrong\n", wrong, d.size);
    }
}

void copies(void (*kernel)(float *, const float *)) {
    Buffer in(4 * WARP + 4), out(2 * WARP);
    for (int i = 0; i < in.size; i++) in.data[i] = 1;
    run(kernel, 1, WARP, 0, out.data, (const float *)in.data);
    out.print();
}

/* One launch with the usual block; `size` floats of output. */
template <class... Parameters, class... Arguments>
void once(void (*kernel)(Parameters...), int blocks, int size, size_t shared, Arguments... arguments) {
    Buffer out(size);
    run(kernel, blocks, N, shared, out.data, arguments...);
    out.print();
}

const Case CASES[] = {
    {"barrier of some", [] { once(barrier_of_some, 1, N, 0); }},
    {"two barriers", [] { once(two_barriers, 1, N, 0); }},
    {"shuffle of some", [] { once(shuffle_of_some, 1, N, 0); }},
    {"two shuffles", [] { once(two_shuffles, 1, N, 0); }},
    {"shuffle of half a mask", [] { once(shuffle_of_half_a_mask, 1, N, 0); }},
    {"half-written shared", [] { once(half_written_shared, 1, N, 0); }},
    {"half-written dynamic", [] { once(half_written_dynamic, 1, N, N * sizeof(float)); }},
    {"shared of the block before", [] { once(shared_of_the_block_before, 2, 2, 0); }},
    {"half-written global", [] { once(half_written_global, 1, N, 0); }},
    {"copies not waited for", [] { copies(copied<2>); }},
    {"copies, the first waited for", [] { copies(copied<1>); }},
    {"copies waited for", [] { copies(copied<0>); }},
    {"misaligned copy", [] { copies(misaligned_copy); }},
    {"neighbour without barrier", [] { in_both_orders(neighbour_without_barrier, 1, N); }},
    {"last block wins", [] { in_both_orders(last_block_wins, 3, 1); }},
    {"last thread wins", [] { in_both_orders(last_thread_wins, 1, 1); }},
    {"outside global", [] { once(write_at, 1, N, 0, N); }},
    {"outside static shared", [] { once(static_shared_at, 1, N, 0, 1); }},
    {"outside dynamic shared", [] { once(dynamic_shared_at, 1, N, N * sizeof(float), 1); }},
    {"misaligned vector", [] { once(vector_at, 1, N, 0, 1); }},
    {"too much shared", [] { once(half_written_dynamic, 1, N, 228 << 10); }},
    {"too much shared for most", [] { once(half_written_dynamic, 1, N, 100 << 10); }},
    {"part of a warp", [] {
         Buffer out(N);
         run(half_written_global, 1, 33, 0, out.data);
     }},
    {"sums", [] { once(sums, 2, 8, 0); }},
    {"products", products},
    // a launch that went wrong must leave nothing behind for the next one
    {"right after wrong", [] {
         once(barrier_of_some, 1, N, 0);
         once(sums, 2, 8, 0);
     }},
};

} // namespace

template <class Cases> bool run_case(const Cases &cases, const char *name) {
    for (const Case &c : cases) {
        if (strcmp(c.name, name)) continue;
        c.run();
        return true;
    }
    return false;
}

int main(int count, char **arguments) {
    if (count == 2 && (run_case(CASES, arguments[1]) || run_case(sm90_cases(), arguments[1]) ||
                       run_case(product_cases(), arguments[1]))) {
        return 0;
    }
    fprintf(stderr, "usage: emulator_test CASE, one of\n");
    for (const Case &c : CASES) fprintf(stderr, "  %s\n", c.name);
    for (const auto &cases : {sm90_cases(), product_cases()}) {
        for (const Case &c : cases) fprintf(stderr, "  %s\n", c.name);
    }
    return 2;
}

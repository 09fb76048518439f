/* The cases of emulator_test with barriers in shared memory, copies of tiles and products of a warpgroup. */
#include "../../../kernels/ptx_sm90.cuh"
#include "cases.h"

using namespace intuitor::cuda;

namespace {

constexpr int COLUMNS = 64; // of a tile: 128 bytes

enum class Flaw {
    NONE,
    NOT_WAITED,    // read before it is there
    OTHER_PARITY,  // waits for the phase before
    FEWER_BYTES,   // announced than come
    MORE_BYTES,
    NO_INIT,
    NO_FENCE,      // after mbarrier.init; before a product
    MISALIGNED,    // a tile
    NOT_COMMITTED, // products
    OVERWRITTEN,   // an operand, before its products are waited for
    OTHER_LANES,   // have other descriptors
    OTHER_WARPS,
};

/* Shared memory of a kernel, from a multiple of 1024 bytes on. */
template <class Memory> __device__ Memory &aligned_memory() {
    char *begin = dynamic_shared<char>();
    return *(Memory *)(begin + (-shared_address(begin) & 1023));
}
template <class Memory> constexpr size_t memory_bytes = sizeof(Memory) + 1024;

/* Where element (row, column) of a tile lies. */
__device__ int place(int row, int column) { return row * COLUMNS + ((column / 8 ^ row % 8) * 8) + column % 8; }

/* A matrix of whole numbers below 128, which bf16 holds, and its map. */
struct Matrix {
    int rows, columns;
    bf16 *data = nullptr;
    CUtensorMap map;

    Matrix(int rows, int columns, int box_rows, int seed) : rows(rows), columns(columns) {
        cudaMalloc((void **)&data, (size_t)rows * columns * sizeof(bf16));
        for (int i = 0; i < rows * columns; i++) data[i] = __float2bfloat16_rn((float)((i * 7 + seed) % 13 - 6));
        cuuint64_t sizes[] = {(cuuint64_t)columns, (cuuint64_t)rows}, strides[] = {(cuuint64_t)columns * sizeof(bf16)};
        cuuint32_t box[] = {COLUMNS, (cuuint32_t)box_rows}, every[] = {1, 1};
        CUresult result = cuTensorMapEncodeTiled(
            &map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, data, sizes, strides, box, every, CU_TENSOR_MAP_INTERLEAVE_NONE,
            CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
        if (result != CUDA_SUCCESS) printf("no tensor map: %d\n", (int)result);
    }
    ~Matrix() { cudaFree(data); }
    Matrix(const Matrix &) = delete;
    Matrix &operator=(const Matrix &) = delete;

    /* 0 outside. */
    float at(int r, int c) const { return r < rows && c < columns ? __bfloat162float(data[r * columns + c]) : 0; }
};

/* --- tiles -------------------------------------------------------------------------------------------------------- */

constexpr int TILE_ROWS = 16;

struct TileMemory {
    bf16 tile[TILE_ROWS * COLUMNS];
    uint64_t barrier;
};

/* The tile at (8, 2) of a matrix, by two warps: the second phase of a barrier, so that parities matter. */
template <Flaw FLAW> __global__ void tile(float *out, const CUtensorMap map) {
    auto &memory = aligned_memory<TileMemory>();
    if (threadIdx.x == 0) {
        if (FLAW != Flaw::NO_INIT) barrier_init(&memory.barrier, 1);
        if (FLAW != Flaw::NO_FENCE) fence_barrier_init();
    }
    __syncthreads();
    for (unsigned phase = 0; phase < 2; phase++) {
        if (threadIdx.x == 0) {
            unsigned bytes = sizeof memory.tile;
            if (FLAW == Flaw::FEWER_BYTES) bytes -= 128;
            if (FLAW == Flaw::MORE_BYTES) bytes += 128;
            barrier_arrive_expecting(&memory.barrier, bytes);
            load_tile(memory.tile + (FLAW == Flaw::MISALIGNED ? 64 : 0), &map, &memory.barrier, 8, 2);
        }
        bool waits = FLAW != Flaw::NOT_WAITED || phase == 0;
        if (waits) barrier_wait(&memory.barrier, FLAW == Flaw::OTHER_PARITY && phase == 1 ? 0 : phase);
        __syncthreads();
        if (phase == 0 && threadIdx.x < 8) memory.tile[threadIdx.x] = from_float<bf16>(99); // must not be left
        __syncthreads();
    }
    for (int i = threadIdx.x; i < TILE_ROWS * COLUMNS; i += N) {
        out[i] = to_float(memory.tile[place(i / COLUMNS, i % COLUMNS)]);
    }
}

template <Flaw FLAW> void tiles() {
    Matrix matrix(13, 48, TILE_ROWS, 1); // the tile reaches beyond both ends
    Buffer out(TILE_ROWS * COLUMNS);
    run(tile<FLAW>, 1, N, memory_bytes<TileMemory>, out.data, matrix.map);
    int wrong = 0, nan = 0;
    for (int i = 0; i < out.size; i++) {
        nan += std::isnan(out.data[i]);
        wrong += out.data[i] != matrix.at(2 + i / COLUMNS, 8 + i % COLUMNS);
    }
    printf("%d of %d are wrong, %d NaN\n", wrong, out.size, nan);
}

/* --- products ----------------------------------------------------------------------------------------------------- */

constexpr int M = 64, PRODUCT_N = 256, WARPGROUP = 128;

struct ProductMemory {
    bf16 a[M * COLUMNS], b[PRODUCT_N * COLUMNS];
    uint64_t full, again;
};

/* d [64,256] = a [64,64] b [256,64]^T, added to d as it is. */
template <Flaw FLAW> __global__ void product_of_tiles(float *out, const CUtensorMap a_map, const CUtensorMap b_map) {
    auto &memory = aligned_memory<ProductMemory>();
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (threadIdx.x == 0) {
        barrier_init(&memory.full, 1);
        barrier_init(&memory.again, 1);
        fence_barrier_init();
        barrier_arrive_expecting(&memory.full, sizeof memory.a + sizeof memory.b);
        load_tile(memory.a, &a_map, &memory.full, 0, 0);
        load_tile(memory.b, &b_map, &memory.full, 0, 0);
    }
    __syncthreads();
    barrier_wait(&memory.full, 0);
    uint64_t a = matrix_descriptor(memory.a), b = matrix_descriptor(memory.b);
    if (FLAW == Flaw::OTHER_LANES && lane == 7) a += 2;
    if (FLAW == Flaw::OTHER_WARPS && warp == 2) a += 2;

    Accumulators d;
    for (int j = 0; j < PRODUCT_N / 8; j++) {
        for (int i = 0; i < 4; i++) d[j][i] = 1;
    }
    if (FLAW != Flaw::NO_FENCE) product_fence(d);
    for (int k = 0; k < COLUMNS / 16; k++) product(d, a + 2 * k, b + 2 * k, true);
    if (FLAW != Flaw::NOT_COMMITTED) product_commit();
    if (FLAW == Flaw::OVERWRITTEN && threadIdx.x == 0) {
        barrier_arrive_expecting(&memory.again, sizeof memory.a);
        load_tile(memory.a, &a_map, &memory.again, 0, 0);
    }
    if (FLAW != Flaw::NOT_WAITED) product_wait_all(d);
    for (int j = 0; j < PRODUCT_N / 8; j++) {
        for (int i = 0; i < 4; i++) {
            int row = 16 * warp + lane / 4 + i / 2 * 8, column = 8 * j + lane % 4 * 2 + i % 2;
            out[row * PRODUCT_N + column] = d[j][i];
        }
    }
}

template <Flaw FLAW> void products() {
    Matrix a(M, COLUMNS, M, 2), b(PRODUCT_N, COLUMNS, PRODUCT_N, 3);
    Buffer out(M * PRODUCT_N);
    run(product_of_tiles<FLAW>, 1, WARPGROUP, memory_bytes<ProductMemory>, out.data, a.map, b.map);
    int wrong = 0, nan = 0;
    for (int r = 0; r < M; r++) {
        for (int c = 0; c < PRODUCT_N; c++) {
            float sum = 1; // whole numbers: exact
            for (int k = 0; k < COLUMNS; k++) sum += a.at(r, k) * b.at(c, k);
            nan += std::isnan(out.data[r * PRODUCT_N + c]);
            wrong += out.data[r * PRODUCT_N + c] != sum;
        }
    }
    printf("%d of %d are wrong, %d NaN\n", wrong, out.size, nan);
}

/* A barrier for two arrivals that gets three: its second phase is never complete. */
__global__ void two_arrivals(float *out) {
    auto &barrier = aligned_memory<uint64_t>();
    if (threadIdx.x == 0) {
        barrier_init(&barrier, 2);
        for (int i = 0; i < 3; i++) barrier_arrive(&barrier);
    }
    __syncthreads();
    barrier_wait(&barrier, 0);
    barrier_wait(&barrier, 1);
    out[threadIdx.x] = 1;
}

} // namespace

std::vector<Case> sm90_cases() {
    return {
        {"tile", tiles<Flaw::NONE>},
        {"tile not waited for", tiles<Flaw::NOT_WAITED>},
        {"tile of another phase", tiles<Flaw::OTHER_PARITY>},
        {"tile of more bytes than announced", tiles<Flaw::FEWER_BYTES>},
        {"tile of fewer bytes than announced", tiles<Flaw::MORE_BYTES>},
        {"tile without barrier", tiles<Flaw::NO_INIT>},
        {"tile without fence", tiles<Flaw::NO_FENCE>},
        {"misaligned tile", tiles<Flaw::MISALIGNED>},
        {"product", products<Flaw::NONE>},
        {"product not waited for", products<Flaw::NOT_WAITED>},
        {"product not committed", products<Flaw::NOT_COMMITTED>},
        {"product without fence", products<Flaw::NO_FENCE>},
        {"product of an overwritten tile", products<Flaw::OVERWRITTEN>},
        {"product of other lanes", products<Flaw::OTHER_LANES>},
        {"product of other warps", products<Flaw::OTHER_WARPS>},
        {"missing arrival", [] {
             Buffer out(N);
             run(two_arrivals, 1, N, memory_bytes<uint64_t>, out.data);
         }},
    };
}

/* The cases of emulator_test with products of a warpgroup. */
#include "sm90_cases.h"

namespace {

/* --- products ----------------------------------------------------------------------------------------------------- */

constexpr int M = 64, WARPGROUP = 128;

/* Accumulators of a warpgroup in memory, [M,N]. */
template <int J> __device__ void write(float *out, const float (&d)[J][4]) {
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    for (int j = 0; j < J; j++) {
        for (int i = 0; i < 4; i++) {
            int row = 16 * warp + lane / 4 + i / 2 * 8, column = 8 * j + lane % 4 * 2 + i % 2;
            out[row * 8 * J + column] = d[j][i];
        }
    }
}

/* How many of out [M,N] are wrong. */
template <class Expected> void compare(const Buffer &out, Expected expected) {
    int columns = out.size / M, wrong = 0, nan = 0;
    for (int i = 0; i < out.size; i++) {
        nan += std::isnan(out.data[i]);
        wrong += out.data[i] != expected(i / columns, i % columns);
    }
    printf("%d of %d are wrong, %d NaN\n", wrong, out.size, nan);
}

template <int PRODUCT_N> struct ProductMemory {
    bf16 a[M * COLUMNS], b[PRODUCT_N * COLUMNS];
    uint64_t full, again;
};

/* d [64,N] = a [64,64] b [N,64]^T, added to d as it is. */
template <int PRODUCT_N, Flaw FLAW>
__global__ void product_of_tiles(float *out, const CUtensorMap a_map, const CUtensorMap b_map) {
    auto &memory = tile_memory<ProductMemory<PRODUCT_N>>();
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

    Accumulators<PRODUCT_N> d;
    if (FLAW == Flaw::EARLY_FENCE) product_fence(d);
    for (auto &four : d) {
        for (float &x : four) x = 1;
    }
    if (FLAW != Flaw::NO_FENCE && FLAW != Flaw::EARLY_FENCE) product_fence(d);
    for (int k = 0; k < COLUMNS / 16; k++) product(d, a + 2 * k, b + 2 * k, true);
    if (FLAW != Flaw::NOT_COMMITTED) product_commit();
    if (FLAW == Flaw::OVERWRITTEN && threadIdx.x == 0) {
        barrier_arrive_expecting(&memory.again, sizeof memory.a);
        load_tile(memory.a, &a_map, &memory.again, 0, 0);
    }
    if (FLAW == Flaw::ACCUMULATED) d[3][1] = 7;
    if (FLAW != Flaw::NOT_WAITED) product_wait<0>(d);
    write(out, d);
}

template <int PRODUCT_N, Flaw FLAW> void products() {
    Matrix a(M, COLUMNS, M, 2), b(PRODUCT_N, COLUMNS, PRODUCT_N, 3);
    Buffer out(M * PRODUCT_N);
    run(product_of_tiles<PRODUCT_N, FLAW>, 1, WARPGROUP, TILE_MEMORY_BYTES<ProductMemory<PRODUCT_N>>, out.data, a.map,
        b.map);
    compare(out, [&](int r, int c) {
        float sum = 1; // whole numbers: exact
        for (int k = 0; k < COLUMNS; k++) sum += a.at(r, k) * b.at(c, k);
        return sum;
    });
}

/* d [64,128] of tiles that a fifth warp overwrites when they are given back. */
template <Flaw FLAW> __global__ void stage(float *out, const CUtensorMap a_map, const CUtensorMap b_map) {
    auto &memory = tile_memory<ProductMemory<128>>();
    uint64_t *full = &memory.full, *empty = &memory.again;
    if (threadIdx.x == 0) {
        barrier_init(full, 1);
        barrier_init(empty, WARPGROUP / WARP);
        fence_barrier_init();
    }
    __syncthreads();
    if (threadIdx.x >= WARPGROUP) {
        for (unsigned phase = 0; phase < 2 && threadIdx.x == WARPGROUP; phase++) {
            barrier_wait(empty, phase ^ 1);
            barrier_arrive_expecting(full, sizeof memory.a + sizeof memory.b);
            load_tile(memory.a, &a_map, full, 0, (int)phase);
            load_tile(memory.b, &b_map, full, 0, (int)phase);
        }
        return;
    }
    auto give_back = [&] {
        if (threadIdx.x % WARP == 0) barrier_arrive(empty);
    };
    barrier_wait(full, 0);
    uint64_t a = matrix_descriptor(memory.a), b = matrix_descriptor(memory.b);
    Accumulators<128> d;
    product_fence(d);
    for (int k = 0; k < COLUMNS / 16; k++) product(d, a + 2 * k, b + 2 * k, k > 0);
    product_commit();
    if (FLAW == Flaw::OVERWRITTEN) give_back();
    product_wait<0>(d);
    if (FLAW != Flaw::OVERWRITTEN) give_back();
    barrier_wait(full, 1);
    write(out, d);
}

template <Flaw FLAW> void stages() {
    Matrix a(M, COLUMNS, M, 2), b(128, COLUMNS, 128, 3);
    Buffer out(M * 128);
    run(stage<FLAW>, 1, WARPGROUP + WARP, TILE_MEMORY_BYTES<ProductMemory<128>>, out.data, a.map, b.map);
    compare(out, [&](int r, int c) {
        float sum = 0;
        for (int k = 0; k < COLUMNS; k++) sum += a.at(r, k) * b.at(c, k);
        return sum;
    });
}

/* What registers hold in the cases below. */
float operand_at(int row, int k) { return (float)((row * 5 + k * 3) % 11 - 5); }

constexpr int DEPTH = 32; // rows of b
template <int PRODUCT_N> struct TransposedMemory {
    bf16 b[PRODUCT_N / COLUMNS][DEPTH * COLUMNS];
    uint64_t full;
};

/* d [64,N] = a [64,32] b [32,N], a in registers, b as its rows lie in memory. */
template <int PRODUCT_N, Flaw FLAW> __global__ void product_of_registers(float *out, const CUtensorMap b_map) {
    auto &memory = tile_memory<TransposedMemory<PRODUCT_N>>();
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (threadIdx.x == 0) {
        barrier_init(&memory.full, 1);
        fence_barrier_init();
        barrier_arrive_expecting(&memory.full, sizeof memory.b);
        for (int i = 0; i < PRODUCT_N / COLUMNS; i++) load_tile(memory.b[i], &b_map, &memory.full, i * COLUMNS, 0);
    }
    __syncthreads();
    barrier_wait(&memory.full, 0);
    RegisterOperand<DEPTH / 16> a;
    Accumulators<PRODUCT_N> d;
    if (FLAW == Flaw::EARLY_FENCE) product_fence(a, d);
    for (int k = 0; k < DEPTH / 16; k++) {
        for (int i = 0; i < 4; i++) {
            int row = 16 * warp + lane / 4 + i % 2 * 8, column = 16 * k + i / 2 * 8 + lane % 4 * 2;
            a[k][i] = pack_bf16(operand_at(row, column), operand_at(row, column + 1));
        }
    }
    if (FLAW == Flaw::NO_FENCE) product_fence(d);
    else if (FLAW != Flaw::EARLY_FENCE) product_fence(a, d);
    uint64_t b = transposed_descriptor(memory.b[0], sizeof memory.b[0]);
    for (int k = 0; k < DEPTH / 16; k++) product_transposed(d, a[k], b + k * TRANSPOSED_STEP, k > 0);
    product_commit();
    if (FLAW == Flaw::OVERWRITTEN) a[1][2] = 0;
    uint32_t early = FLAW == Flaw::READ ? a[0][0] : 0;
    product_wait<0>(d, a);
    if (FLAW == Flaw::READ) d[0][0] = __uint_as_float(early << 16);
    write(out, d);
}

template <int PRODUCT_N, Flaw FLAW> void products_of_registers() {
    Matrix b(DEPTH, PRODUCT_N, DEPTH, 4);
    Buffer out(M * PRODUCT_N);
    run(product_of_registers<PRODUCT_N, FLAW>, 1, WARPGROUP, TILE_MEMORY_BYTES<TransposedMemory<PRODUCT_N>>, out.data,
        b.map);
    compare(out, [&](int r, int c) {
        float sum = 0;
        for (int k = 0; k < DEPTH; k++) sum += operand_at(r, k) * b.at(k, c);
        return sum;
    });
}

/* Two products under way, of which the first is waited for, then, if there is no flaw, the second. a is written by
   threads, b is a times 2. */
template <Flaw FLAW> __global__ void two_products(float *out) {
    auto &memory = tile_memory<ProductMemory<128>>();
    for (int i = threadIdx.x; i < (M + 128) * COLUMNS; i += WARPGROUP) {
        int row = i / COLUMNS, column = i % COLUMNS;
        bool in_a = row < M;
        (in_a ? memory.a : memory.b)[place(in_a ? row : row - M, column)] =
            from_float<bf16>(in_a ? operand_at(row, column) : 2 * operand_at(row - M, column));
    }
    if (FLAW != Flaw::NO_FENCE) publish(memory.a, sizeof memory.a + sizeof memory.b);
    __syncthreads();
    uint64_t a = matrix_descriptor(memory.a), b = matrix_descriptor(memory.b);
    Accumulators<128> first, second;
    product_fence(first, second);
    for (int k = 0; k < COLUMNS / 16; k++) product(first, a + 2 * k, b + 2 * k, k > 0);
    product_commit();
    for (int k = 0; k < COLUMNS / 16; k++) product(second, a + 2 * k, b + 2 * k, k > 0);
    product_commit();
    if (FLAW == Flaw::OVERWRITTEN && threadIdx.x == 0) memory.a[0] = from_float<bf16>(1);
    product_wait<1>(first);
    for (auto &four : first) {
        for (float &x : four) x += 1; // what is done may be written at once
    }
    write(out, first);
    if (FLAW != Flaw::NOT_WAITED) product_wait<0>(second);
    write(out + M * 128, second);
}

template <Flaw FLAW> void pairs_of_products() {
    Buffer out(2 * M * 128);
    run(two_products<FLAW>, 1, WARPGROUP, TILE_MEMORY_BYTES<ProductMemory<128>>, out.data);
    int wrong[2] = {}, nan[2] = {};
    for (int i = 0; i < out.size; i++) {
        int which = i / (M * 128), r = i / 128 % M, c = i % 128;
        float sum = which == 0 ? 1.f : 0.f;
        for (int k = 0; k < COLUMNS; k++) sum += operand_at(r, k) * 2 * operand_at(c, k);
        wrong[which] += out.data[i] != sum;
        nan[which] += std::isnan(out.data[i]);
    }
    printf("%d and %d are wrong, %d and %d NaN\n", wrong[0], wrong[1], nan[0], nan[1]);
}

} // namespace

std::vector<Case> product_cases() {
    return {
        {"product", products<256, Flaw::NONE>},
        {"product of 128 columns", products<128, Flaw::NONE>},
        {"product not waited for", products<256, Flaw::NOT_WAITED>},
        {"product not committed", products<256, Flaw::NOT_COMMITTED>},
        {"product without fence", products<256, Flaw::NO_FENCE>},
        {"product after an early fence", products<128, Flaw::EARLY_FENCE>},
        {"product of an overwritten tile", products<256, Flaw::OVERWRITTEN>},
        {"product into written accumulators", products<128, Flaw::ACCUMULATED>},
        {"product of a stage", stages<Flaw::NONE>},
        {"product of a stage given back too early", stages<Flaw::OVERWRITTEN>},
        {"product of other lanes", products<256, Flaw::OTHER_LANES>},
        {"product of other warps", products<256, Flaw::OTHER_WARPS>},
        {"product of registers", products_of_registers<128, Flaw::NONE>},
        {"product of registers, 64 columns", products_of_registers<64, Flaw::NONE>},
        {"product of registers without fence", products_of_registers<64, Flaw::NO_FENCE>},
        {"product of registers after an early fence", products_of_registers<64, Flaw::EARLY_FENCE>},
        {"product of written registers", products_of_registers<64, Flaw::OVERWRITTEN>},
        {"product of read registers", products_of_registers<64, Flaw::READ>},
        {"two products", pairs_of_products<Flaw::NONE>},
        {"two products, one waited for", pairs_of_products<Flaw::NOT_WAITED>},
        {"products of unpublished tiles", pairs_of_products<Flaw::NO_FENCE>},
        {"products of a tile that a thread writes", pairs_of_products<Flaw::OVERWRITTEN>},
    };
}

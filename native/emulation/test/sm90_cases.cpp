/* The cases of emulator_test with barriers in shared memory, copies of tiles, barriers of a part of the block, and
   clusters. */
#include "sm90_cases.h"

namespace {

/* --- tiles -------------------------------------------------------------------------------------------------------- */

constexpr int TILE_ROWS = 16;

struct TileMemory {
    bf16 tile[TILE_ROWS * COLUMNS];
    uint64_t barrier;
};

/* The tile at (8, 2) of a matrix, by two warps: the second phase of a barrier, so that parities matter. */
template <Flaw FLAW> __global__ void tile(float *out, const CUtensorMap map) {
    auto &memory = tile_memory<TileMemory>();
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
    run(tile<FLAW>, 1, N, TILE_MEMORY_BYTES<TileMemory>, out.data, matrix.map);
    int wrong = 0, nan = 0;
    for (int i = 0; i < out.size; i++) {
        nan += std::isnan(out.data[i]);
        wrong += out.data[i] != matrix.at(2 + i / COLUMNS, 8 + i % COLUMNS);
    }
    printf("%d of %d are wrong, %d NaN\n", wrong, out.size, nan);
}

/* Rows first .. first + count - 1 of a matrix, and zeros. */
__global__ void tile_of_run(float *out, const CUtensorMap map, int first, int count) {
    auto &memory = tile_memory<TileMemory>();
    if (threadIdx.x == 0) {
        barrier_init(&memory.barrier, 1);
        fence_barrier_init();
        barrier_arrive_expecting(&memory.barrier, sizeof memory.tile);
        load_tile(memory.tile, &map, &memory.barrier, 8, TILE_ROWS - count, first + count);
    }
    __syncthreads();
    barrier_wait(&memory.barrier, 0);
    for (int i = threadIdx.x; i < TILE_ROWS * COLUMNS; i += N) {
        out[i] = to_float(memory.tile[place(i / COLUMNS, i % COLUMNS)]);
    }
}

/* The first rows, some in the middle, a whole tile, the last. */
void runs() {
    Matrix matrix(40, 48, TILE_ROWS, 1, true);
    for (auto [first, count] : {std::pair(0, 3), std::pair(5, 1), std::pair(20, TILE_ROWS), std::pair(33, 7)}) {
        Buffer out(TILE_ROWS * COLUMNS);
        run(tile_of_run, 1, N, TILE_MEMORY_BYTES<TileMemory>, out.data, matrix.map, first, count);
        int wrong = 0;
        for (int i = 0; i < out.size; i++) {
            int r = i / COLUMNS;
            wrong += out.data[i] != (r < count ? matrix.at(first + r, 8 + i % COLUMNS) : 0);
        }
        printf("%d of %d are wrong\n", wrong, out.size);
    }
}

/* --- barriers ----------------------------------------------------------------------------------------------------- */

/* Warp 0 writes and arrives, warp 1 waits and reads; then the other way round. Warp 2 waits for nobody. */
template <Flaw FLAW> __global__ void turns(float *out) {
    float *values = dynamic_shared<float>();
    constexpr int BOTH = 2 * WARP;
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (warp == 2) return;
    if (warp == 0) {
        values[lane] = 1;
        if (FLAW != Flaw::NOT_WAITED) part_barrier_arrive<BOTH>(1);
        if (FLAW == Flaw::TWICE) part_barrier_arrive<BOTH>(1);
        part_barrier<BOTH>(2);
        out[lane] = values[WARP + lane];
    } else {
        part_barrier<FLAW == Flaw::OTHER_COUNT ? BOTH + WARP : BOTH>(1);
        values[WARP + lane] = values[WARP - 1 - lane] + 1;
        part_barrier_arrive<BOTH>(FLAW == Flaw::OTHER_LANES ? 2 + lane % 2 : 2);
        out[WARP + lane] = values[lane];
    }
}

template <Flaw FLAW> void turn() {
    Buffer out(2 * WARP);
    run(turns<FLAW>, 1, 3 * WARP, 2 * WARP * sizeof(float), out.data);
    out.print();
}

/* A barrier for two arrivals that gets three: its second phase is never complete. */
__global__ void two_arrivals(float *out) {
    auto &barrier = tile_memory<uint64_t>();
    if (threadIdx.x == 0) {
        barrier_init(&barrier, 2);
        for (int i = 0; i < 3; i++) barrier_arrive(&barrier);
    }
    __syncthreads();
    barrier_wait(&barrier, 0);
    barrier_wait(&barrier, 1);
    out[threadIdx.x] = 1;
}

/* --- clusters of two blocks --------------------------------------------------------------------------------------- */

/* Each block loads half of a tile into both. */
template <Flaw FLAW> __global__ void shared_tile(float *out, const CUtensorMap map) {
    auto &memory = tile_memory<TileMemory>();
    constexpr int HALF = TILE_ROWS / 2;
    int rank = cluster_rank();
    if (threadIdx.x == 0) {
        barrier_init(&memory.barrier, 1);
        fence_barrier_init();
    }
    if (FLAW == Flaw::NO_FENCE) __syncthreads(); // of the block, not of the cluster
    else cluster_barrier();
    if (threadIdx.x == 0) {
        barrier_arrive_expecting(&memory.barrier, FLAW == Flaw::FEWER_BYTES ? sizeof memory.tile / 2
                                                                            : sizeof memory.tile);
        load_tile_of(memory.tile + rank * HALF * COLUMNS, &map, &memory.barrier, 8, 2 + rank * HALF,
                     FLAW == Flaw::OTHER_COUNT ? 7 : 3);
    }
    __syncthreads();
    if (FLAW != Flaw::NOT_WAITED) barrier_wait(&memory.barrier, 0);
    for (int i = threadIdx.x; i < TILE_ROWS * COLUMNS; i += N) {
        out[rank * TILE_ROWS * COLUMNS + i] = to_float(memory.tile[place(i / COLUMNS, i % COLUMNS)]);
    }
    cluster_barrier();
}

template <Flaw FLAW> void shared_tiles() {
    Matrix matrix(13, 48, TILE_ROWS / 2, 1);
    Buffer out(2 * TILE_ROWS * COLUMNS);
    run_clusters(2, shared_tile<FLAW>, 2, N, TILE_MEMORY_BYTES<TileMemory>, out.data, matrix.map);
    int wrong = 0, nan = 0;
    for (int i = 0; i < out.size; i++) {
        nan += std::isnan(out.data[i]);
        wrong += out.data[i] != matrix.at(2 + i / COLUMNS % TILE_ROWS, 8 + i % COLUMNS);
    }
    printf("%d of %d are wrong, %d NaN\n", wrong, out.size, nan);
}

/* The first block waits for the second one, and that for the first; OVERWRITTEN: it does not, but ends. */
template <Flaw FLAW> __global__ void arrival_from_afar(float *out) {
    auto &barrier = tile_memory<uint64_t>();
    int rank = cluster_rank();
    if (threadIdx.x == 0) {
        barrier_init(&barrier, N / WARP);
        fence_barrier_init();
    }
    cluster_barrier();
    if (rank == 0) barrier_wait(&barrier, 0);
    if (threadIdx.x % WARP == 0) barrier_arrive_at(&barrier, FLAW == Flaw::OTHER_COUNT ? 2 : 1 - rank);
    if (rank == 1 && FLAW != Flaw::OVERWRITTEN) barrier_wait(&barrier, 0);
    out[blockIdx.x * N + threadIdx.x] = (float)blockIdx.x;
    if (FLAW != Flaw::OVERWRITTEN) cluster_barrier();
}

template <Flaw FLAW> void arrivals() {
    Buffer out(4 * N);
    run_clusters(2, arrival_from_afar<FLAW>, 4, N, TILE_MEMORY_BYTES<uint64_t>, out.data);
    out.print();
}

__global__ void cluster_barrier_of_some(float *out) {
    if (cluster_rank() == 0) cluster_barrier();
    out[threadIdx.x] = 1;
}

__global__ void static_shared_in_a_cluster(float *out) {
    __shared__ float values[N];
    values[threadIdx.x] = (float)blockIdx.x;
    __syncthreads();
    out[threadIdx.x] = values[N - 1 - threadIdx.x];
}

void in_cluster(void (*kernel)(float *)) {
    Buffer out(2 * N);
    run_clusters(2, kernel, 2, N, 0, out.data);
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
        {"tiles of runs", runs},
        {"turns", turn<Flaw::NONE>},
        {"turns that nobody passes", turn<Flaw::NOT_WAITED>},
        {"turns of other counts", turn<Flaw::OTHER_COUNT>},
        {"turns of other lanes", turn<Flaw::OTHER_LANES>},
        {"turns passed twice", turn<Flaw::TWICE>},
        {"missing arrival", [] {
             Buffer out(N);
             run(two_arrivals, 1, N, TILE_MEMORY_BYTES<uint64_t>, out.data);
         }},
        {"tile of two blocks", shared_tiles<Flaw::NONE>},
        {"tile of two blocks, not waited for", shared_tiles<Flaw::NOT_WAITED>},
        {"tile of two blocks without barrier", shared_tiles<Flaw::NO_FENCE>},
        {"tile of two blocks, of more bytes", shared_tiles<Flaw::FEWER_BYTES>},
        {"tile of two blocks for three", shared_tiles<Flaw::OTHER_COUNT>},
        {"arrival from afar", arrivals<Flaw::NONE>},
        {"arrival from nowhere", arrivals<Flaw::OTHER_COUNT>},
        {"arrival at a block that has ended", arrivals<Flaw::OVERWRITTEN>},
        {"barrier of some of a cluster", [] { in_cluster(cluster_barrier_of_some); }},
        {"static shared in a cluster", [] { in_cluster(static_shared_in_a_cluster); }},
    };
}

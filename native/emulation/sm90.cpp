#include "sm90.h"

#include <cstring>
#include <map>
#include <vector>

#include "sm90_state.h"

namespace intuitor::emulation {

namespace {

constexpr int PART_BARRIERS = 16;

/* What a tensor map holds. */
struct Matrix {
    uintptr_t address;
    uint64_t columns, rows, planes, row_bytes, plane_bytes;
    uint32_t box_columns, box_rows;
};
static_assert(sizeof(Matrix) <= sizeof(CUtensorMap::opaque));

struct TileCopy {
    char *tile;
    Matrix matrix;
    int x, y, z;
    uint32_t bytes() const { return matrix.box_columns * 2 * matrix.box_rows; }
};

struct Barrier {
    unsigned count, pending;
    unsigned parity = 0; // of the phase that is under way
    long bytes = 0;      // that are still to come
    bool fenced = false;
    std::vector<TileCopy> copies = {};
};

struct PartBarrier {
    int threads = 0, arrived = 0;
    uint64_t phase = 0;
    bool here[MAX_THREADS] = {};
};

/* Of one block. */
struct Block {
    std::map<const uint64_t *, Barrier> barriers = {};
    PartBarrier parts[PART_BARRIERS] = {};
    std::vector<char> published = std::vector<char>(dynamic_shared_bytes(), (char)0xff);
};
PerBlock<Block> block;

Barrier &barrier_at(const char *site, uint64_t *address, int rank = cluster_rank()) {
    if (block_ended(rank)) fail_launch("%s: an mbarrier of a block that has ended", site);
    auto &barriers = block(rank).barriers;
    auto found = barriers.find(address);
    if (found == barriers.end()) fail_launch("%s: an mbarrier that was not initialised", site);
    return found->second;
}

void make(const char *site, const TileCopy &copy) {
    const Matrix &m = copy.matrix;
    uint32_t tile = shared_address(site, copy.tile);
    for (uint32_t r = 0; r < m.box_rows; r++) {
        for (uint32_t c = 0; c < m.box_columns; c++) {
            int64_t x = copy.x + (int64_t)c, y = copy.y + (int64_t)r, z = copy.z;
            uint16_t value = 0;
            if (x >= 0 && y >= 0 && z >= 0 && (uint64_t)x < m.columns && (uint64_t)y < m.rows &&
                (uint64_t)z < m.planes) {
                uintptr_t at = m.address + (uint64_t)z * m.plane_bytes + (uint64_t)y * m.row_bytes + (uint64_t)x * 2;
                memcpy(&value, (const void *)at, 2);
            }
            void *to = at_shared_address(site, swizzled(tile + r * SWIZZLED_ROW + c * 2), 2);
            memcpy(to, &value, 2);
            memcpy(published(to), &value, 2);
        }
    }
}

/* Goes on to the next phase if this one is complete. */
void advance(Barrier &b) {
    if (b.pending || b.bytes || !b.copies.empty()) return;
    b.parity ^= 1;
    b.pending = b.count;
    wake_all();
}

void arrive(const char *site, Barrier &b, unsigned expected_bytes) {
    if (!b.pending) fail_launch("%s: more arrivals than the mbarrier was initialised for", site);
    b.bytes += expected_bytes;
    b.pending--;
    if (b.pending == 0) wake_all(); // whoever waits may now take the tiles
    advance(b);
}

} // namespace

char *published(const void *own, int rank) {
    return block(rank).published.data() + ((const char *)own - (const char *)dynamic_shared());
}

void barrier_init(const char *site, uint64_t *barrier, unsigned count) {
    shared_address(site, barrier);
    if ((uintptr_t)barrier % 8 || !count) {
        fail_launch("%s: an mbarrier is 8 aligned bytes, for one arrival at least", site);
    }
    block().barriers[barrier] = {count, count};
}

void fence_barrier_init() {
    for (auto &one : block().barriers) one.second.fenced = true;
}

void barrier_arrive(const char *site, uint64_t *barrier, unsigned expected_bytes) {
    arrive(site, barrier_at(site, barrier), expected_bytes);
}

void barrier_arrive_at(const char *site, uint64_t *barrier, int rank) {
    if (rank < 0 || rank >= cluster_size()) fail_launch("%s: block %d of %d", site, rank, cluster_size());
    arrive(site, barrier_at(site, (uint64_t *)shared_of(rank, barrier), rank), 0);
}

void barrier_wait(const char *site, uint64_t *barrier, unsigned parity) {
    Barrier &b = barrier_at(site, barrier);
    while (b.parity == (parity & 1)) {
        if (b.pending == 0 && !b.copies.empty()) {
            for (const TileCopy &copy : b.copies) {
                make(site, copy);
                b.bytes -= copy.bytes();
            }
            b.copies.clear();
            if (b.bytes < 0) fail_launch("%s: %ld bytes more than the mbarrier expects", site, -b.bytes);
            advance(b);
        } else {
            sleep(site);
        }
    }
}

void load_tile(const char *site, void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y, int z) {
    load_tile_of(site, tile, map, barrier, x, y, z, 1u << cluster_rank());
}

void load_tile_of(const char *site, void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y, int z,
                  unsigned blocks) {
    if (shared_address(site, tile) % ATOM) fail_launch("%s: a swizzled tile at no multiple of 1024 bytes", site);
    if (!blocks || blocks >> cluster_size()) fail_launch("%s: blocks 0x%x of %d", site, blocks, cluster_size());
    Matrix matrix;
    memcpy((void *)&matrix, map->opaque, sizeof matrix);
    for (int rank = 0; rank < cluster_size(); rank++) {
        if (!(blocks >> rank & 1)) continue;
        Barrier &b = barrier_at(site, (uint64_t *)shared_of(rank, barrier), rank);
        if (!b.fenced) fail_launch("%s: an mbarrier without fence.mbarrier_init", site);
        TileCopy copy = {(char *)shared_of(rank, tile), matrix, x, y, z};
        (void)at_shared_address(site, shared_address(site, tile), copy.bytes());
        memset(copy.tile, 0xff, copy.bytes());
        memset(published(tile, rank), 0xff, copy.bytes());
        b.copies.push_back(copy);
        if (b.pending == 0) wake_all();
    }
}

void publish(const char *site, const void *written, size_t bytes) {
    (void)at_shared_address(site, shared_address(site, written), bytes);
    memcpy(published(written), written, bytes);
}

void part_barrier(const char *site, int id, int threads, bool wait) {
    if (id < 1 || id >= PART_BARRIERS || threads % WARP) fail_launch("%s: barrier %d of %d threads", site, id, threads);
    auto lanes = exchange(site, id);
    for (int i = 0; i < WARP; i++) {
        if (lanes[i] != id) fail_launch("%s: lanes of a warp at different barriers", site);
    }
    PartBarrier &b = block().parts[id];
    if (b.arrived == 0) b.threads = threads;
    if (b.threads != threads) fail_launch("%s: barrier %d of %d threads and of %d", site, id, b.threads, threads);
    if (b.here[thread_number()]) fail_launch("%s: threads arrive twice at barrier %d", site, id);
    b.here[thread_number()] = true;
    uint64_t phase = b.phase;
    if (++b.arrived == threads) {
        b.arrived = 0;
        b.phase++;
        memset(b.here, 0, sizeof b.here);
        wake_all();
    }
    while (wait && b.phase == phase) sleep(site);
}

bool used_sm90() { return sm90_used; }
void forget_sm90() { sm90_used = false; }

} // namespace intuitor::emulation

CUresult cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank, void *address,
                                const cuuint64_t *sizes, const cuuint64_t *strides, const cuuint32_t *box,
                                const cuuint32_t *element_strides, CUtensorMapInterleave interleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill fill) {
    using namespace intuitor::emulation;
    bool good = (uintptr_t)map % 64 == 0 && type == CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 && (rank == 2 || rank == 3) &&
                (uintptr_t)address % 16 == 0 && strides[0] >= sizes[0] * 2 && box[0] * 2 == SWIZZLED_ROW &&
                (rank == 2 || box[2] == 1) && interleave == CU_TENSOR_MAP_INTERLEAVE_NONE &&
                swizzle == CU_TENSOR_MAP_SWIZZLE_128B && fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE;
    for (cuuint32_t i = 0; good && i < rank; i++) {
        good = sizes[i] > 0 && sizes[i] <= (cuuint64_t)1 << 32 && box[i] > 0 && box[i] <= 256 &&
               element_strides[i] == 1;
        if (i + 1 < rank) good = good && strides[i] % 16 == 0 && strides[i] < (cuuint64_t)1 << 40;
    }
    if (!good) return CUDA_ERROR_INVALID_VALUE;
    bool planes = rank == 3;
    Matrix m = {(uintptr_t)address, sizes[0], sizes[1], planes ? sizes[2] : 1, strides[0], planes ? strides[1] : 0,
                box[0], box[1]};
    memcpy(map->opaque, &m, sizeof m);
    return CUDA_SUCCESS;
}

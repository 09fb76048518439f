#include "sm90.h"

#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <vector>

namespace intuitor::emulation {

namespace {

constexpr uint32_t SWIZZLED_ROW = 128, ATOM = 1024; // bytes: of a row, of the 8 rows after which the swizzle repeats
constexpr int WARPGROUP = 128, PRODUCT_N = 256, PRODUCT_K = 16;
constexpr int ACCUMULATORS = PRODUCT_N / 2;

/* What a tensor map holds. */
struct Matrix {
    const char *address;
    uint64_t columns, rows, row_bytes;
    uint32_t box_columns, box_rows;
};
static_assert(sizeof(Matrix) <= sizeof(CUtensorMap::opaque));

struct TileCopy {
    char *tile;
    Matrix matrix;
    int x, y;
    uint32_t bytes() const { return matrix.box_columns * 2 * matrix.box_rows; }
};

struct Barrier {
    unsigned count, pending;
    unsigned parity = 0; // of the phase that is under way
    long bytes = 0;      // that are still to come
    bool fenced = false;
    std::vector<TileCopy> copies = {};
};

struct Product {
    float (*d)[4];
    uint64_t a, b;
    bool accumulate;
    long group;
};

/* One thread's products; all threads of a warpgroup queue the same ones. */
struct Queue {
    std::deque<Product> products = {};
    long group = 0;      // that the next commit closes
    size_t issued = 0;   // products so far
    bool fenced = false; // since results have come into registers
    float sums[ACCUMULATORS / 4][4];
};

struct Operands {
    uint64_t a, b;
    bool operator==(const Operands &o) const { return a == o.a && b == o.b; }
};

/* Of one block. */
struct Block {
    uint64_t number = 0;
    std::map<const uint64_t *, Barrier> barriers = {};
    Queue queues[MAX_THREADS] = {};
    std::vector<Operands> issued[MAX_THREADS / WARPGROUP] = {};
};
Block *block_state = nullptr;
bool used = false;

Block &block() {
    used = true;
    if (!block_state || block_state->number != block_number()) {
        delete block_state;
        block_state = new Block;
        block_state->number = block_number();
    }
    return *block_state;
}

Barrier &barrier_at(const char *site, uint64_t *address) {
    auto &barriers = block().barriers;
    auto found = barriers.find(address);
    if (found == barriers.end()) fail_launch("%s: an mbarrier that was not initialised", site);
    return found->second;
}

/* Where the swizzle puts the byte that would be at this address: 16-byte chunks change places within 128 bytes. */
uint32_t swizzled(uint32_t address) { return address ^ (address >> 3 & 0x70); }

void make(const char *site, const TileCopy &copy) {
    const Matrix &m = copy.matrix;
    uint32_t tile = shared_address(site, copy.tile);
    for (uint32_t r = 0; r < m.box_rows; r++) {
        for (uint32_t c = 0; c < m.box_columns; c++) {
            int64_t x = copy.x + (int64_t)c, y = copy.y + (int64_t)r;
            uint16_t value = 0;
            if (x >= 0 && y >= 0 && (uint64_t)x < m.columns && (uint64_t)y < m.rows) {
                memcpy(&value, m.address + (uint64_t)y * m.row_bytes + (uint64_t)x * 2, 2);
            }
            memcpy(at_shared_address(site, swizzled(tile + r * SWIZZLED_ROW + c * 2), 2), &value, 2);
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

/* The matrix of a descriptor; returns its first address. The fields: PTX ISA, "Matrix Descriptor Format". */
uint32_t first_address(const char *site, uint64_t descriptor, uint32_t *row_group_bytes) {
    uint32_t address = (uint32_t)(descriptor & 0x3fff) << 4;
    *row_group_bytes = (uint32_t)(descriptor >> 32 & 0x3fff) << 4;
    unsigned swizzle = (unsigned)(descriptor >> 62), base_offset = (unsigned)(descriptor >> 49 & 7);
    if (swizzle != 1 || base_offset) fail_launch("%s: of matrix descriptors, 128-byte swizzle is emulated", site);
    if (address % ATOM >= SWIZZLED_ROW) fail_launch("%s: a matrix whose rows begin at no multiple of 1024 bytes", site);
    return address;
}

/* 16 bf16 of row r of the matrix, from its first column on. */
void load_row(const char *site, float (&to)[PRODUCT_K], uint64_t descriptor, uint32_t r) {
    uint32_t group_bytes, first = first_address(site, descriptor, &group_bytes);
    for (uint32_t chunk = 0; chunk < 2; chunk++) {
        uint32_t address = first + r / 8 * group_bytes + r % 8 * SWIZZLED_ROW + chunk * 16;
        auto bits = (const uint16_t *)at_shared_address(site, swizzled(address), 16);
        for (int i = 0; i < 8; i++) to[chunk * 8 + i] = __builtin_bit_cast(float, (uint32_t)bits[i] << 16);
    }
}

/* This thread's elements: lane 4 g + t of warp w has rows 16 w + g (0, 1 of d[j]) and + 8 (2, 3), columns 8 j + 2t and
   2t + 1. */
void compute(const char *site, Queue &queue, const Product &p) {
    int warp = thread_number() % WARPGROUP / WARP, g = lane() / 4, t = lane() % 4;
    float rows[2][PRODUCT_K], column[PRODUCT_K];
    for (int half = 0; half < 2; half++) load_row(site, rows[half], p.a, (uint32_t)(16 * warp + 8 * half + g));
    for (int j = 0; j < PRODUCT_N / 8; j++) {
        for (int e = 0; e < 2; e++) {
            load_row(site, column, p.b, (uint32_t)(8 * j + 2 * t + e));
            for (int half = 0; half < 2; half++) {
                float &sum = queue.sums[j][2 * half + e];
                if (!p.accumulate) sum = 0;
                for (int k = 0; k < PRODUCT_K; k++) sum += rows[half][k] * column[k];
            }
        }
    }
}

} // namespace

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
    Barrier &b = barrier_at(site, barrier);
    if (!b.pending) fail_launch("%s: more arrivals than the mbarrier was initialised for", site);
    b.bytes += expected_bytes;
    b.pending--;
    if (b.pending == 0) wake_all(); // whoever waits may now take the tiles
    advance(b);
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

void load_tile(const char *site, void *tile, const CUtensorMap *map, uint64_t *barrier, int x, int y) {
    Barrier &b = barrier_at(site, barrier);
    if (!b.fenced) fail_launch("%s: an mbarrier without fence.mbarrier_init", site);
    if (shared_address(site, tile) % ATOM) fail_launch("%s: a swizzled tile at no multiple of 1024 bytes", site);
    TileCopy copy = {(char *)tile, {}, x, y};
    memcpy((void *)&copy.matrix, map->opaque, sizeof(Matrix));
    memset(at_shared_address(site, shared_address(site, tile), copy.bytes()), 0xff, copy.bytes());
    b.copies.push_back(copy);
    if (b.pending == 0) wake_all();
}

void product_fence(const char *site) {
    exchange(site, 0);
    block().queues[thread_number()].fenced = true;
}

void product(const char *site, float (*d)[4], uint64_t a, uint64_t b, bool accumulate) {
    Operands mine = {a, b};
    auto lanes = exchange(site, mine);
    for (int i = 0; i < WARP; i++) {
        if (!(lanes[i] == mine)) fail_launch("%s: matrix descriptors differ between lanes", site);
    }
    Queue &queue = block().queues[thread_number()];
    auto &issued = block().issued[thread_number() / WARPGROUP];
    if (queue.issued == issued.size()) issued.push_back(mine);
    if (!(issued[queue.issued++] == mine)) fail_launch("%s: matrix descriptors differ between warps", site);
    if (queue.products.empty()) {
        if (!queue.fenced) fail_launch("%s: a product whose accumulators are not fenced (wgmma.fence)", site);
        memcpy(queue.sums, d, sizeof queue.sums);
        memset((void *)d, 0xff, sizeof queue.sums);
    } else if (queue.products.back().d != d) {
        fail_launch("%s: products into several sets of accumulators at a time are not emulated", site);
    }
    uint32_t ignored;
    first_address(site, a, &ignored);
    first_address(site, b, &ignored);
    queue.products.push_back({d, a, b, accumulate, queue.group});
}

void product_commit(const char *site) {
    exchange(site, 0);
    block().queues[thread_number()].group++;
}

void product_wait(const char *site, int pending) {
    Queue &queue = block().queues[thread_number()];
    while (!queue.products.empty() && queue.products.front().group < queue.group - pending) {
        Product p = queue.products.front();
        compute(site, queue, p);
        queue.products.pop_front();
        if (queue.products.empty()) {
            memcpy((void *)p.d, queue.sums, sizeof queue.sums);
            queue.fenced = false;
        }
    }
    exchange(site, 0); // all lanes have theirs
}

bool used_sm90() { return used; }
void forget_sm90() { used = false; }

} // namespace intuitor::emulation

CUresult cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank, void *address,
                                const cuuint64_t *sizes, const cuuint64_t *strides, const cuuint32_t *box,
                                const cuuint32_t *element_strides, CUtensorMapInterleave interleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill fill) {
    using namespace intuitor::emulation;
    bool good = (uintptr_t)map % 64 == 0 && type == CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 && rank == 2 &&
                (uintptr_t)address % 16 == 0 && sizes[0] > 0 && sizes[1] > 0 && sizes[0] <= (cuuint64_t)1 << 32 &&
                sizes[1] <= (cuuint64_t)1 << 32 && strides[0] % 16 == 0 && strides[0] < (cuuint64_t)1 << 40 &&
                strides[0] >= sizes[0] * 2 && box[0] * 2 == SWIZZLED_ROW && box[1] > 0 && box[1] <= 256 &&
                element_strides[0] == 1 && element_strides[1] == 1 && interleave == CU_TENSOR_MAP_INTERLEAVE_NONE &&
                swizzle == CU_TENSOR_MAP_SWIZZLE_128B && fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE;
    if (!good) return CUDA_ERROR_INVALID_VALUE;
    Matrix m = {(const char *)address, sizes[0], sizes[1], strides[0], box[0], box[1]};
    memcpy(map->opaque, &m, sizeof m);
    return CUDA_SUCCESS;
}

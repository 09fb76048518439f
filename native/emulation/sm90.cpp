#include "sm90.h"

#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <vector>

namespace intuitor::emulation {

namespace {

constexpr uint32_t SWIZZLED_ROW = 128, ATOM = 1024; // bytes: of a row, of the 8 rows after which the swizzle repeats
constexpr int WARPGROUP = 128, PRODUCT_K = 16;
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

/* What all threads of a warpgroup give alike. */
struct Operands {
    uint64_t a, b; // descriptors; a 0 where it is in registers
    int n;
    bool a_in_registers, accumulate;
    bool operator==(const Operands &o) const {
        return a == o.a && b == o.b && n == o.n && a_in_registers == o.a_in_registers && accumulate == o.accumulate;
    }
};

struct Product {
    Operands operands;
    float (*d)[4];
    uint32_t *a;                 // null: in shared memory
    float rows[2][PRODUCT_K];    // of a, if it is in registers: those of this thread's accumulators
    long group;
};

/* Registers, by their first address: what they held at the last wgmma.fence; what they hold in truth while products use
   them. */
using Registers = std::map<char *, std::vector<char>>;
struct Use {
    std::vector<char> values;
    int products;
};

/* One thread's products; all threads of a warpgroup queue the same ones. */
struct Queue {
    std::deque<Product> products = {};
    long group = 0;    // that the next commit closes
    size_t issued = 0; // products so far
    Registers fenced = {};
    std::map<char *, Use> used = {};
};

struct PartBarrier {
    int threads = 0, arrived = 0;
    uint64_t phase = 0;
    bool here[MAX_THREADS] = {};
};

/* Of one block. */
struct Block {
    uint64_t number = 0;
    std::map<const uint64_t *, Barrier> barriers = {};
    Queue queues[MAX_THREADS] = {};
    std::vector<Operands> issued[MAX_THREADS / WARPGROUP] = {};
    PartBarrier parts[PART_BARRIERS] = {};
    std::vector<char> published = {}; // shared memory as products and copies know it
};
Block *blocks[MAX_CLUSTER] = {};
bool used = false;

/* The running one, or another one of its cluster. */
Block &block(int rank = cluster_rank()) {
    used = true;
    Block *&state = blocks[rank];
    if (!state || state->number != block_number(rank)) {
        delete state;
        state = new Block;
        state->number = block_number(rank);
        state->published.assign(dynamic_shared_bytes(), (char)0xff);
    }
    return *state;
}

Barrier &barrier_at(const char *site, uint64_t *address, int rank = cluster_rank()) {
    if (block_ended(rank)) fail_launch("%s: an mbarrier of a block that has ended", site);
    auto &barriers = block(rank).barriers;
    auto found = barriers.find(address);
    if (found == barriers.end()) fail_launch("%s: an mbarrier that was not initialised", site);
    return found->second;
}

/* Where the swizzle puts the byte that would be at this address: 16-byte chunks change places within 128 bytes. */
uint32_t swizzled(uint32_t address) { return address ^ (address >> 3 & 0x70); }

/* These bytes, or those at the same place in another block, as products and copies know them. */
char *published(const void *own, int rank = cluster_rank()) {
    return block(rank).published.data() + ((const char *)own - (const char *)dynamic_shared());
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

/* A matrix in shared memory. The fields: PTX ISA, "Matrix Descriptor Format". */
struct Descriptor {
    uint32_t address, leading, stride; // bytes

    Descriptor(const char *site, uint64_t bits)
        : address((uint32_t)(bits & 0x3fff) << 4), leading((uint32_t)(bits >> 16 & 0x3fff) << 4),
          stride((uint32_t)(bits >> 32 & 0x3fff) << 4) {
        unsigned swizzle = (unsigned)(bits >> 62), base_offset = (unsigned)(bits >> 49 & 7);
        if (swizzle != 1 || base_offset) fail_launch("%s: of matrix descriptors, 128-byte swizzle is emulated", site);
        if (address % ATOM >= SWIZZLED_ROW) {
            fail_launch("%s: a matrix whose rows begin at no multiple of 1024 bytes", site);
        }
    }
};

/* What a product reads there. */
const void *operand(const char *site, uint32_t address, size_t bytes) {
    const void *p = at_shared_address(site, swizzled(address), bytes);
    if (memcmp(p, published(p), bytes)) {
        fail_launch("%s: a product reads what threads have written without fence.proxy.async, or before it was done",
                    site);
    }
    return p;
}

float widened(uint16_t bits) { return __builtin_bit_cast(float, (uint32_t)bits << 16); }

/* K-major: 16 bf16 of row r, from its first column on. */
void load_row(const char *site, float (&to)[PRODUCT_K], const Descriptor &matrix, uint32_t r) {
    for (uint32_t chunk = 0; chunk < 2; chunk++) {
        uint32_t address = matrix.address + r / 8 * matrix.stride + r % 8 * SWIZZLED_ROW + chunk * 16;
        auto bits = (const uint16_t *)operand(site, address, 16);
        for (int i = 0; i < 8; i++) to[chunk * 8 + i] = widened(bits[i]);
    }
}

/* MN-major: columns c and c + 1 (c even), 16 rows of them. */
void load_columns(const char *site, float (&to)[2][PRODUCT_K], const Descriptor &matrix, uint32_t c) {
    constexpr uint32_t PANEL = SWIZZLED_ROW / 2; // columns
    for (uint32_t k = 0; k < PRODUCT_K; k++) {
        uint32_t address = matrix.address + c / PANEL * matrix.leading + k / 8 * matrix.stride +
                           k % 8 * SWIZZLED_ROW + c % PANEL * 2;
        auto bits = (const uint16_t *)operand(site, address, 4);
        for (int e = 0; e < 2; e++) to[e][k] = widened(bits[e]);
    }
}

/* This thread's elements: lane 4 g + t of warp w has rows 16 w + g (0, 1 of sums[j]) and + 8 (2, 3), columns 8 j + 2t
   and 2t + 1. */
void compute(const char *site, float (*sums)[4], Product &p) {
    int warp = thread_number() % WARPGROUP / WARP, g = lane() / 4, t = lane() % 4;
    Descriptor b(site, p.operands.b);
    if (!p.a) {
        Descriptor a(site, p.operands.a);
        for (int half = 0; half < 2; half++) load_row(site, p.rows[half], a, (uint32_t)(16 * warp + 8 * half + g));
    }
    for (int j = 0; j < p.operands.n / 8; j++) {
        float columns[2][PRODUCT_K];
        uint32_t c = (uint32_t)(8 * j + 2 * t);
        if (p.a) {
            load_columns(site, columns, b, c);
        } else {
            for (uint32_t e = 0; e < 2; e++) load_row(site, columns[e], b, c + e);
        }
        for (int e = 0; e < 2; e++) {
            for (int half = 0; half < 2; half++) {
                float &sum = sums[j][2 * half + e];
                if (!p.operands.accumulate) sum = 0;
                for (int k = 0; k < PRODUCT_K; k++) sum += p.rows[half][k] * columns[e][k];
            }
        }
    }
}

/* A product begins to use registers: they must be as they were at a fence that named them, and hold NaN from now on. */
void use(const char *site, Queue &queue, void *registers, size_t bytes) {
    char *first = (char *)registers;
    auto found = queue.used.find(first);
    if (found != queue.used.end()) {
        if (found->second.values.size() != bytes) fail_launch("%s: products of two shapes at a time", site);
        found->second.products++;
        return;
    }
    auto fence = queue.fenced.upper_bound(first);
    bool good = false;
    if (fence != queue.fenced.begin()) {
        --fence;
        size_t offset = (size_t)(first - fence->first);
        good = offset + bytes <= fence->second.size() && !memcmp(first, fence->second.data() + offset, bytes);
    }
    if (!good) fail_launch("%s: a product of registers that were not fenced (wgmma.fence), or written since", site);
    queue.used[first] = {std::vector<char>(first, first + bytes), 1};
    memset(first, 0xff, bytes);
}

/* It is done with them. */
void release(const char *site, Queue &queue, void *registers) {
    auto found = queue.used.find((char *)registers);
    if (--found->second.products) return;
    for (size_t i = 0; i < found->second.values.size(); i++) {
        if (found->first[i] != (char)0xff) fail_launch("%s: registers were written while products used them", site);
    }
    memcpy(registers, found->second.values.data(), found->second.values.size());
    queue.used.erase(found);
}

void issue(const char *site, Product p) {
    struct Mine {
        Operands operands;
        uint32_t a[4];
    } mine = {p.operands, {}};
    if (p.a) memcpy(mine.a, p.a, sizeof mine.a);
    auto lanes = exchange(site, mine);
    for (int i = 0; i < WARP; i++) {
        if (!(lanes[i].operands == mine.operands)) fail_launch("%s: matrix descriptors differ between lanes", site);
    }
    if (p.a) { // as for mma.m16n8k16
        for (int holder = 0; holder < 4; holder++) {
            const uint32_t(&a)[4] = lanes[lane() / 4 * 4 + holder].a;
            for (int i = 0; i < 4; i++) {
                float *pair = &p.rows[i % 2][i / 2 * 8 + 2 * holder];
                pair[0] = widened((uint16_t)a[i]);
                pair[1] = widened((uint16_t)(a[i] >> 16));
            }
        }
    }
    Queue &queue = block().queues[thread_number()];
    auto &issued = block().issued[thread_number() / WARPGROUP];
    if (queue.issued == issued.size()) issued.push_back(p.operands);
    if (!(issued[queue.issued++] == p.operands)) fail_launch("%s: matrix descriptors differ between warps", site);
    (void)Descriptor(site, p.operands.b);
    if (!p.a) (void)Descriptor(site, p.operands.a);
    if (p.a) use(site, queue, p.a, sizeof mine.a);
    use(site, queue, p.d, (size_t)p.operands.n / 8 * sizeof *p.d);
    p.group = queue.group;
    queue.products.push_back(p);
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

void product_registers(const char *, const void *registers, size_t bytes) {
    Queue &queue = block().queues[thread_number()];
    char *first = (char *)registers;
    queue.fenced[first] = std::vector<char>(first, first + bytes);
}

void product_fence(const char *site) { exchange(site, 0); }

void product(const char *site, float (*d)[4], int n, uint64_t a, uint64_t b, bool accumulate) {
    issue(site, {{a, b, n, false, accumulate}, d, nullptr, {}, 0});
}

void product_transposed(const char *site, float (*d)[4], int n, uint32_t (&a)[4], uint64_t b, bool accumulate) {
    issue(site, {{0, b, n, true, accumulate}, d, a, {}, 0});
}

void product_commit(const char *site) {
    exchange(site, 0);
    block().queues[thread_number()].group++;
}

void product_wait(const char *site, int pending) {
    Queue &queue = block().queues[thread_number()];
    let_others_run(site); // as late as it may: with what they overwrite by then
    while (!queue.products.empty() && queue.products.front().group < queue.group - pending) {
        Product &p = queue.products.front();
        compute(site, (float (*)[4])queue.used.at((char *)p.d).values.data(), p);
        release(site, queue, p.d);
        if (p.a) release(site, queue, p.a);
        queue.fenced.erase((char *)p.d); // results have come into these registers
        queue.products.pop_front();
    }
    exchange(site, 0); // all lanes have theirs
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

bool used_sm90() { return used; }
void forget_sm90() { used = false; }

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

/* Products of a warpgroup (WGMMA) on the emulated device. */
#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include "sm90.h"
#include "sm90_state.h"

namespace intuitor::emulation {

namespace {

constexpr int WARPGROUP = 128, PRODUCT_K = 16;

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

/* Of one block. */
struct Products {
    Queue queues[MAX_THREADS] = {};
    std::vector<Operands> issued[MAX_THREADS / WARPGROUP] = {};
};
PerBlock<Products> block;

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

} // namespace intuitor::emulation

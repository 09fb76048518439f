/* What sm90.cpp (barriers, copies) and sm90_products.cpp have in common. */
#pragma once
#include <cstdint>

#include "emulator.h"

namespace intuitor::emulation {

constexpr uint32_t SWIZZLED_ROW = 128, ATOM = 1024; // bytes: of a row, of the 8 rows after which the swizzle repeats

/* Where the swizzle puts the byte that would be at this address: 16-byte chunks change places within 128 bytes. */
inline uint32_t swizzled(uint32_t address) { return address ^ (address >> 3 & 0x70); }

/* These bytes of shared memory, or those at the same place in another block, as products and copies know them. */
char *published(const void *own, int rank = cluster_rank());

inline bool sm90_used = false; // since forget_sm90()

/* A State of the running block, or of another one of its cluster: new for every block. */
template <class State> class PerBlock {
public:
    State &operator()(int rank = cluster_rank()) {
        sm90_used = true;
        if (!states[rank] || numbers[rank] != block_number(rank)) {
            delete states[rank];
            states[rank] = new State;
            numbers[rank] = block_number(rank);
        }
        return *states[rank];
    }

private:
    State *states[MAX_CLUSTER] = {};
    uint64_t numbers[MAX_CLUSTER] = {};
};

} // namespace intuitor::emulation

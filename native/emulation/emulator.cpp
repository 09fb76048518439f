#include "emulator.h"

#include <link.h>
#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#ifndef __x86_64__
#error "the fibers' switch is written for x86-64"
#endif

/*
 * void intuitor_switch_fiber(void **save, void *load): keeps the callee-saved registers on this stack and its pointer
 * in *save, then goes on with the stack `load`.
 */
extern "C" void intuitor_switch_fiber(void **save, void *load);
asm(R"(
    .text
    .hidden intuitor_switch_fiber
    .globl intuitor_switch_fiber
    .type intuitor_switch_fiber, @function
intuitor_switch_fiber:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size intuitor_switch_fiber, .-intuitor_switch_fiber
)");

namespace intuitor::emulation {

Position position;

namespace {

constexpr size_t STACK_BYTES = 256 << 10; // AddressSanitizer's frames are large; untouched pages cost nothing

enum class State { RUNNABLE, LATER, IN_WARP, IN_BLOCK, IN_CLUSTER, ASLEEP, DONE };

struct Copy {
    void *shared;
    const void *global;
    size_t bytes, valid_bytes;
    long group;
};

struct Thread {
    void *stack_pointer;
    State state;
    Index index;
    const char *site; // where it waits
    std::vector<Copy> copies;
    long group; // the one that the next commit closes
};

struct Warp {
    uint32_t arrived;
    const char *site;
    size_t bytes;
    int turn;
    alignas(16) char values[2][WARP * 64];
};

/* Of a block of the cluster that runs. */
struct RunningBlock {
    Index index;
    int in_barrier, barrier_trues, barrier_result;
    const char *barrier_site;
    char *shared;
};

/* One launch at a time: the device belongs to one thread of the host. */
struct Machine {
    Thread threads[MAX_THREADS];
    Warp warps[MAX_THREADS / WARP];
    char *stacks = nullptr;
    void *scheduler = nullptr;
    RunningBlock blocks[MAX_CLUSTER] = {};
    int cluster = 1;    // blocks
    int block_size = 0; // threads
    int size = 0;       // of all of them
    int current = 0;    // the running one
    int in_cluster_barrier = 0;
    void (*body)(void *) = nullptr;
    void *context = nullptr;
    size_t shared_bytes = 0;
    uint64_t block = 0; // number of the cluster's first
    bool reverse = false, failed = false;
    char error[512] = "";
};
Machine machine;

Thread &self() { return machine.threads[machine.current]; }
RunningBlock &own_block() { return machine.blocks[cluster_rank()]; }

void back_to_scheduler() { intuitor_switch_fiber(&self().stack_pointer, machine.scheduler); }

void wait_as(State state, const char *site) {
    self().state = state;
    self().site = site;
    back_to_scheduler();
}

bool same(const char *a, const char *b) { return a == b || !strcmp(a, b); }

void thread_main() {
    machine.body(machine.context);
    self().state = State::DONE;
    back_to_scheduler();
    abort();
}

void prepare(int t, Index size) {
    Thread &thread = machine.threads[t];
    unsigned n = (unsigned)(t % machine.block_size);
    thread.index = {n % size.x, n / size.x % size.y, n / size.x / size.y};
    thread.state = State::RUNNABLE;
    thread.site = nullptr;
    thread.copies.clear();
    thread.group = 0;
    // six registers and thread_main's address; on entry the stack pointer must be 8 beyond a multiple of 16
    void **top = (void **)(machine.stacks + (size_t)(t + 1) * STACK_BYTES) - 1;
    top[-1] = (void *)thread_main;
    for (int i = 2; i <= 7; i++) top[-i] = nullptr;
    thread.stack_pointer = top - 7;
}

void resume(int t) {
    machine.current = t;
    position.thread = machine.threads[t].index;
    position.block = own_block().index;
    intuitor_switch_fiber(&machine.scheduler, machine.threads[t].stack_pointer);
}

/* Runs the lanes of a warp as far as they come; false if none could run. */
bool run_warp(int first) {
    bool any = false;
    for (bool progress = true; progress && !machine.failed;) {
        progress = false;
        for (int i = 0; i < WARP && !machine.failed; i++) {
            int t = first + (machine.reverse ? WARP - 1 - i : i);
            if (machine.threads[t].state != State::RUNNABLE) continue;
            resume(t);
            progress = any = true;
        }
    }
    return any;
}

/* Runs the warps of a block once each; false if none could run. */
bool run_warps(int first) {
    int warps = machine.block_size / WARP;
    bool any = false;
    for (int i = 0; i < warps && !machine.failed; i++) {
        any |= run_warp(first + (machine.reverse ? warps - 1 - i : i) * WARP);
    }
    return any && !machine.failed;
}

/* Nobody can go on: says who waits where. */
void report_deadlock() {
    const char *place = "?";
    int waiting = 0, done = 0;
    for (int t = 0; t < machine.size; t++) {
        if (machine.threads[t].state == State::DONE) {
            done++;
        } else {
            waiting++;
            place = machine.threads[t].site;
        }
    }
    snprintf(machine.error, sizeof machine.error,
             "divergence in block (%u, %u, %u): %d of %d threads wait, some at %s, and %d have ended", position.block.x,
             position.block.y, position.block.z, waiting, machine.size, place, done);
    machine.failed = true;
}

/* This library's thread-local memory: what static shared memory is kept in (cuda_runtime.h), and nothing else. */
thread_local char thread_local_anchor;

struct Range {
    char *begin;
    size_t bytes;
};

Range static_shared() {
    thread_local_anchor = 0; // so that it exists
    Range range = {};
    dl_iterate_phdr(
        [](dl_phdr_info *info, size_t, void *result) {
            char *begin = (char *)info->dlpi_tls_data;
            for (int i = 0; begin && i < info->dlpi_phnum; i++) {
                size_t bytes = info->dlpi_phdr[i].p_memsz;
                if (info->dlpi_phdr[i].p_type != PT_TLS || &thread_local_anchor < begin ||
                    &thread_local_anchor >= begin + bytes) {
                    continue;
                }
                *(Range *)result = {begin, bytes};
                return 1;
            }
            return 0;
        },
        &range);
    return range;
}

void run_cluster(Index size, const Range &shared) {
    machine.block += (uint64_t)machine.cluster;
    memset(shared.begin, 0xff, shared.bytes);
    for (int rank = 0; rank < machine.cluster; rank++) {
        RunningBlock &block = machine.blocks[rank];
        if (block.shared) memset(block.shared, 0xff, machine.shared_bytes);
        block.in_barrier = 0;
    }
    machine.in_cluster_barrier = 0;
    for (int t = 0; t < machine.size; t++) prepare(t, size);
    for (int w = 0; w < machine.size / WARP; w++) machine.warps[w].arrived = 0;
    for (;;) {
        bool any = false;
        for (int i = 0; i < machine.cluster && !machine.failed; i++) {
            // as far as it comes, with the others where they were
            while (run_warps((machine.reverse ? machine.cluster - 1 - i : i) * machine.block_size)) any = true;
        }
        if (machine.failed) return;
        for (int t = 0; t < machine.size; t++) {
            if (machine.threads[t].state == State::LATER) machine.threads[t].state = State::RUNNABLE;
        }
        if (any) continue;
        for (int t = 0; t < machine.size; t++) {
            if (machine.threads[t].state != State::DONE) return report_deadlock();
        }
        break;
    }
    for (size_t i = 0; machine.cluster > 1 && i < shared.bytes; i++) {
        if (shared.begin[i] == (char)0xff) continue;
        snprintf(machine.error, sizeof machine.error, "static shared memory in a cluster is not emulated");
        machine.failed = true;
        return;
    }
    // what was never waited for arrives when nobody can see it any more
    for (machine.current = 0; machine.current < machine.size; machine.current++) async_wait(0);
}

} // namespace

int lane() { return machine.current % WARP; }

int cluster_rank() { return machine.current / machine.block_size; }
int cluster_size() { return machine.cluster; }

int block_barrier(const char *site, bool value) {
    RunningBlock &block = own_block();
    if (block.in_barrier == 0) {
        block.barrier_site = site;
        block.barrier_trues = 0;
    } else if (!same(block.barrier_site, site)) {
        fail_launch("divergence: some threads are at the barrier of %s, others at that of %s", block.barrier_site,
                    site);
    }
    block.barrier_trues += value;
    if (++block.in_barrier < machine.block_size) {
        wait_as(State::IN_BLOCK, site);
    } else {
        block.in_barrier = 0;
        block.barrier_result = block.barrier_trues;
        int first = cluster_rank() * machine.block_size;
        for (int t = first; t < first + machine.block_size; t++) machine.threads[t].state = State::RUNNABLE;
    }
    return block.barrier_result;
}

void cluster_barrier(const char *site) {
    if (++machine.in_cluster_barrier < machine.size) {
        wait_as(State::IN_CLUSTER, site);
    } else {
        machine.in_cluster_barrier = 0;
        for (int t = 0; t < machine.size; t++) machine.threads[t].state = State::RUNNABLE;
    }
}

const void *warp_exchange(const char *site, const void *value, size_t bytes) {
    Warp &warp = machine.warps[machine.current / WARP];
    int turn = warp.turn;
    if (warp.arrived == 0) {
        warp.site = site;
        warp.bytes = bytes;
    } else if (!same(warp.site, site) || warp.bytes != bytes) {
        fail_launch("divergence: some lanes of a warp are at %s, others at %s", warp.site, site);
    }
    memcpy(warp.values[turn] + (size_t)lane() * bytes, value, bytes);
    warp.arrived |= 1u << lane();
    if (warp.arrived != ~0u) {
        wait_as(State::IN_WARP, site);
    } else {
        // the other buffer may be filled from now on: whoever arrives next has read what was in it
        warp.arrived = 0;
        warp.turn = !turn;
        int first = machine.current / WARP * WARP;
        for (int i = 0; i < WARP; i++) machine.threads[first + i].state = State::RUNNABLE;
    }
    return warp.values[turn];
}

void async_copy(void *shared, const void *global, size_t bytes, size_t valid_bytes) {
    if ((uintptr_t)shared % bytes || (uintptr_t)global % bytes) fail_launch("cp.async of misaligned addresses");
    self().copies.push_back({shared, global, bytes, valid_bytes, self().group});
}

void async_commit() { self().group++; }

void async_wait(int pending) {
    auto &copies = self().copies;
    size_t made = 0;
    for (; made < copies.size() && (pending == 0 || copies[made].group < self().group - pending); made++) {
        Copy &copy = copies[made];
        memcpy(copy.shared, copy.global, copy.valid_bytes);
        memset((char *)copy.shared + copy.valid_bytes, 0, copy.bytes - copy.valid_bytes);
    }
    copies.erase(copies.begin(), copies.begin() + (long)made);
}

void let_others_run(const char *site) { wait_as(State::LATER, site); }
void sleep(const char *site) { wait_as(State::ASLEEP, site); }

void wake_all() {
    for (int t = 0; t < machine.size; t++) {
        if (machine.threads[t].state == State::ASLEEP) machine.threads[t].state = State::RUNNABLE;
    }
}

int thread_number() { return machine.current % machine.block_size; }
uint64_t block_number(int rank) { return machine.block + (uint64_t)rank; }
bool block_ended(int rank) {
    for (int t = rank * machine.block_size; t < (rank + 1) * machine.block_size; t++) {
        if (machine.threads[t].state != State::DONE) return false;
    }
    return true;
}

void *dynamic_shared() { return own_block().shared; }
size_t dynamic_shared_bytes() { return machine.shared_bytes; }

/* Addresses begin where only 16 bytes are aligned, which is what is promised of dynamic shared memory. */
constexpr uint32_t SHARED_BEGIN = 16;

uint32_t shared_address(const char *site, const void *p) {
    size_t offset = (size_t)((const char *)p - own_block().shared);
    if (offset >= machine.shared_bytes) fail_launch("%s: not an address of dynamic shared memory", site);
    return SHARED_BEGIN + (uint32_t)offset;
}
void *at_shared_address(const char *site, uint32_t address, size_t bytes) {
    size_t offset = (size_t)address - SHARED_BEGIN;
    if (address < SHARED_BEGIN || offset + bytes > machine.shared_bytes) {
        fail_launch("%s: %zu bytes at shared address %u are not all in dynamic shared memory", site, bytes, address);
    }
    return own_block().shared + offset;
}
void *shared_of(int rank, const void *own) {
    return machine.blocks[rank].shared + ((const char *)own - own_block().shared);
}

void fail_launch(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(machine.error, sizeof machine.error, format, arguments);
    va_end(arguments);
    machine.failed = true;
    back_to_scheduler();
    abort();
}

bool run_grid(Index grid, int cluster, Index block, size_t shared_bytes, void (*body)(void *), void *context) {
    machine.failed = false;
    machine.cluster = cluster;
    machine.block_size = (int)(block.x * block.y * block.z);
    machine.size = cluster * machine.block_size;
    if (machine.block_size < WARP || machine.block_size % WARP || machine.block_size > MAX_THREADS) {
        snprintf(machine.error, sizeof machine.error,
                 "blocks of %d threads: whole warps are expected, and no more than %d", machine.block_size,
                 MAX_THREADS);
        return false;
    }
    if (machine.size > MAX_THREADS) {
        snprintf(machine.error, sizeof machine.error, "clusters of more than %d threads are not emulated",
                 MAX_THREADS);
        return false;
    }
    if (!machine.stacks) {
        machine.stacks = (char *)mmap(nullptr, MAX_THREADS * STACK_BYTES, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (machine.stacks == MAP_FAILED) abort();
    }
    // exactly as large as asked for, for AddressSanitizer
    for (int rank = 0; shared_bytes && rank < cluster; rank++) {
        if (posix_memalign((void **)&machine.blocks[rank].shared, 1024, shared_bytes)) abort();
    }
    machine.shared_bytes = shared_bytes;
    machine.body = body;
    machine.context = context;
    position.block_size = block;
    position.grid_size = grid;
    Range shared = static_shared();
    uint64_t clusters = (uint64_t)grid.x * grid.y * grid.z / (unsigned)cluster;
    for (uint64_t i = 0; i < clusters && !machine.failed; i++) {
        for (int rank = 0; rank < cluster; rank++) {
            uint64_t b = (machine.reverse ? clusters - 1 - i : i) * (unsigned)cluster + (unsigned)rank;
            machine.blocks[rank].index = {(unsigned)(b % grid.x), (unsigned)(b / grid.x % grid.y),
                                          (unsigned)(b / grid.x / grid.y)};
        }
        run_cluster(block, shared);
    }
#ifdef __SANITIZE_ADDRESS__
    // threads that were left in the middle leave the shadow of their frames behind
    if (machine.failed) __asan_unpoison_memory_region(machine.stacks, MAX_THREADS * STACK_BYTES);
#endif
    for (RunningBlock &one : machine.blocks) {
        free(one.shared);
        one.shared = nullptr;
    }
    return !machine.failed;
}

const char *launch_error() { return machine.error; }

void reverse_order(bool reverse) { machine.reverse = reverse; }

} // namespace intuitor::emulation

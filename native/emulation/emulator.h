/*
 * Runs CUDA threads on the CPU: what cuda_runtime.h and ptx_emulated.h of this folder are made of.
 *
 * A grid's blocks run one after the other, or a cluster of them after the other; the threads of either are fibers that
 * take turns at barriers and warp collectives. What real hardware lets pass by luck is an error here:
 *   - a barrier or collective that not all threads of the block or warp reach, or that they reach at different places;
 *   - shared memory read before it is written: it is filled with 0xFF (a NaN) before every block, like device memory;
 *   - cp.async read before it is waited for: the copy is made no earlier than the wait; sm90.h has the same for what
 *     sm_90 does asynchronously;
 *   - results that depend on the order of threads or blocks: reverse_order() turns it around;
 *   - accesses outside of global or shared memory, in the library that is built with AddressSanitizer.
 * Not seen: races between two barriers that happen to give the same result in both orders.
 */
#pragma once
#include <cstddef>
#include <cstdint>

namespace intuitor::emulation {

constexpr int WARP = 32;
constexpr int MAX_THREADS = 1024; // of a block, and of a cluster
constexpr int MAX_CLUSTER = 8;    // blocks: what every device has

struct Index {
    unsigned x, y, z;
};

/* Where the running thread is; threadIdx and its kin are these. */
struct Position {
    Index thread, block, block_size, grid_size;
};
extern Position position;

/* This thread's lane of its warp. */
int lane();

/* This thread's block in its cluster (0 without one), and how many blocks that has. */
int cluster_rank();
int cluster_size();

/* The barrier of the cluster: all of its threads. */
void cluster_barrier(const char *site);

/* The barrier of the block: returns how many threads gave true. `site` names the place in the source. */
int block_barrier(const char *site, bool value = false);

/*
 * The exchange of a warp, all 32 lanes: publishes `bytes` (at most 64) at `value`, waits for the others, and returns
 * everybody's: lane i's begin at i * bytes. Valid until the warp's next exchange.
 */
const void *warp_exchange(const char *site, const void *value, size_t bytes);

template <class T> struct Lanes {
    const T *values;
    const T &operator[](int lane) const { return values[lane & (WARP - 1)]; }
};
template <class T> Lanes<T> exchange(const char *site, const T &value) {
    static_assert(sizeof(T) <= 64);
    return {static_cast<const T *>(warp_exchange(site, &value, sizeof(T)))};
}

/* Asynchronous copies of this thread: queued, grouped by commit, made when at most `pending` younger groups remain. */
void async_copy(void *shared, const void *global, size_t bytes, size_t valid_bytes);
void async_commit();
void async_wait(int pending);

/* Returns after the other threads of the block have had a turn. */
void let_others_run(const char *site);
/* Threads that wait for what another thread will do: sleep() returns after somebody's wake_all(). */
void sleep(const char *site);
void wake_all();

/* This thread's number in its block, and that of a block of the cluster since the library was loaded. */
int thread_number();
uint64_t block_number(int rank);
/* Whether all threads of a block of the cluster have ended. */
bool block_ended(int rank);

/* The block's dynamic shared memory; its 32-bit addresses, which begin at a multiple of 16 and no more; and back.
   Outside of it the launch fails. */
void *dynamic_shared();
size_t dynamic_shared_bytes();
uint32_t shared_address(const char *site, const void *p);
void *at_shared_address(const char *site, uint32_t address, size_t bytes);
/* What is at the same place in the dynamic shared memory of another block of the cluster. */
void *shared_of(int rank, const void *own);

/* Ends the launch with an error; does not return. */
[[noreturn]] __attribute__((format(printf, 1, 2))) void fail_launch(const char *format, ...);

/* Runs body(context) once a thread, in clusters of so many blocks (1: none), which are neighbours in x. False, with the
   reason in launch_error(), if the launch went wrong. */
bool run_grid(Index grid, int cluster, Index block, size_t shared_bytes, void (*body)(void *context), void *context);
const char *launch_error();

/* Whether threads and blocks run from the last to the first. */
void reverse_order(bool reverse);

} // namespace intuitor::emulation

#define INTUITOR_EMULATION_STRING_(x) #x
#define INTUITOR_EMULATION_STRING(x) INTUITOR_EMULATION_STRING_(x)
#define INTUITOR_EMULATION_SITE __FILE__ ":" INTUITOR_EMULATION_STRING(__LINE__)

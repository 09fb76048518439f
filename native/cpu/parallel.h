/*
 * Work for all threads. A kernel splits its work into items that depend on the shapes alone, never on the number of
 * threads, and each output is written by one item: so results do not depend on who runs what.
 *
 * Either every thread takes part or the caller works alone: libgomp ends threads that a smaller team leaves over, and
 * starting them again would cost more than the work.
 */
#pragma once
#include <cstdint>

namespace intuitor {

extern int thread_count; /* set by init(), 1 before */

/*
 * Work is counted in elementary operations of about 0.1 ns, such as a load and a multiply-add of one element. Less than
 * MIN_PARALLEL_WORK is not worth waking the other threads, less than MIN_GRAIN not worth asking for.
 */
constexpr int64_t MIN_PARALLEL_WORK = 1 << 17, MIN_GRAIN = 1 << 14;

/* In how many portions a thread gets its share of the items, about: enough for the threads to end together. */
constexpr int64_t SHARES = 64;

/* f(item) for 0 <= item < items; `cost`: elementary operations of one item. Neighbouring items on one thread. */
template <class F> inline void parallel_for(int64_t items, int64_t cost, F f) {
    if (thread_count == 1 || items < 2 || items * cost < MIN_PARALLEL_WORK) {
        for (int64_t i = 0; i < items; i++) f(i);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(thread_count)
    for (int64_t i = 0; i < items; i++) f(i);
}

/*
 * The same for items of unequal cost, and where a core may be busy with something else: handed out as threads ask.
 * Where there are many items, several neighbours at a time: the processor fetches ahead along their memory.
 */
template <class F> inline void parallel_for_dynamic(int64_t items, int64_t cost, F f) {
    if (thread_count == 1 || items < 2 || items * cost < MIN_PARALLEL_WORK) {
        for (int64_t i = 0; i < items; i++) f(i);
        return;
    }
    const int64_t shortest = cost < MIN_GRAIN ? MIN_GRAIN / cost : 1, share = items / thread_count / SHARES;
    const int64_t grain = shortest > share ? shortest : share;
#pragma omp parallel for schedule(dynamic, grain) num_threads(thread_count)
    for (int64_t i = 0; i < items; i++) f(i);
}

/* f(begin, end) over [0, n) in blocks of `block` elements: the items of an element-wise loop. */
template <class F> inline void parallel_blocks(int64_t n, int64_t block, F f) {
    parallel_for((n + block - 1) / block, block, [&](int64_t i) {
        int64_t end = (i + 1) * block;
        f(i * block, end < n ? end : n);
    });
}

} // namespace intuitor

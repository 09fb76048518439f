/* Temporary memory of a kernel call: kept and grown per calling thread, so that a training step allocates it once. */
#pragma once
#include <cstddef>

namespace intuitor {

/* `bytes` bytes, 64-byte aligned, contents undefined, valid until this thread's next call; null: no memory. */
void *scratch(size_t bytes);

} // namespace intuitor

/* `T *name` with room for n elements, or an early return with IT_OUT_OF_MEMORY. */
#define IT_SCRATCH(T, name, n)                                                                                         \
    T *name = (T *)::intuitor::scratch(sizeof(T) * (size_t)(n));                                                       \
    if (!name) return ::intuitor::fail(IT_OUT_OF_MEMORY, __func__, "%lld temporary elements", (long long)(n))

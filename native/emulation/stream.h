/*
 * A stream of the emulated device: work is done as soon as it is queued, unless it is recorded to become a graph. The
 * tests' stand-in of cuBLASLt queues its products here too.
 */
#pragma once
#include <functional>
#include <utility>
#include <vector>

struct CUstream_st {
    bool recording = false;
    std::vector<std::function<int()>> work; /* what was recorded; each returns 0, or an error */
    std::vector<void *> memory;             /* allocated meanwhile: the graph's */
};

namespace intuitor::emulation {

/* Does the work, or records it. */
template <class Work> int queue(CUstream_st *stream, Work work) {
    if (!stream || !stream->recording) return work();
    stream->work.push_back(std::move(work));
    return 0;
}

} // namespace intuitor::emulation

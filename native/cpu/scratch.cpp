#include "scratch.h"

#include <cstdlib>

namespace intuitor {

namespace {
struct Buffer {
    void *memory = nullptr;
    size_t size = 0;
    ~Buffer() { free(memory); }
};
} // namespace

static thread_local Buffer buffer;

void *scratch(size_t bytes) {
    if (bytes > buffer.size || !buffer.memory) {
        free(buffer.memory);
        buffer.size = (bytes + bytes / 2 + 4095) & ~(size_t)4095;
        buffer.memory = aligned_alloc(64, buffer.size);
        if (!buffer.memory) buffer.size = 0;
    }
    return buffer.memory;
}

} // namespace intuitor

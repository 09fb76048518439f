/*
 * Memory, streams and events on the CPU. "Device memory" is host memory, and every call is finished when it returns: a
 * stream has no state, an event is a time.
 *
 * Large blocks come from mmap and ask for transparent huge pages: a model's weights are read in full for every token,
 * and 4 KiB pages would cost a TLB miss every 64 cache lines.
 */
#include "host.h"

#include <sys/mman.h>
#include <time.h>

#include <cstdlib>
#include <cstring>

#include "error.h"

namespace intuitor {

constexpr uint64_t PAGE = 4096, HUGE_PAGE = 2 << 20;

/* In front of every block. */
struct alignas(64) Header {
    uint64_t mapped; /* bytes of the mapping from the page of the header on, 0 for a block of the heap */
    uint64_t magic;
};
constexpr uint64_t LIVE = 0x696e747569746f72, FREED = 0x6672656564626c6b;

/* `bytes` from a huge page on, and a page in front of them: with the header inside, a block of some whole huge pages
 * would take another one. Maps what alignment may need and gives back what is over. */
static char *map_huge(uint64_t bytes) {
    uint64_t all = PAGE + HUGE_PAGE + bytes;
    char *start = (char *)mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return nullptr;
    char *p = start + PAGE;
    p += -(uint64_t)p & (HUGE_PAGE - 1);
    char *first = p - PAGE, *end = p + bytes;
    if (first > start) munmap(start, first - start);
    if (end < start + all) munmap(end, start + all - end);
    madvise(p, bytes, MADV_HUGEPAGE); // a wish: without it the block works as well
    return p;
}

static int alloc(uint64_t bytes, it_addr *address) {
    IT_CHECK(address, "address is null");
    *address = 0;
    char *p = nullptr;
    uint64_t mapped = 0;
    if (bytes < HUGE_PAGE) {
        p = (char *)aligned_alloc(64, sizeof(Header) + ((bytes + 63) & ~(uint64_t)63));
        if (p) p += sizeof(Header);
    } else if (bytes < (uint64_t)1 << 56) {
        uint64_t rounded = (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
        mapped = PAGE + rounded;
        p = map_huge(rounded);
    }
    if (!p) return fail(IT_OUT_OF_MEMORY, "alloc", "the system has no %llu bytes left", (unsigned long long)bytes);
    *((Header *)p - 1) = {mapped, LIVE};
    *address = (it_addr)p;
    return IT_OK;
}

static int free_block(it_addr address) {
    if (!address) return IT_OK;
    Header *header = (Header *)(address - sizeof(Header));
    if (address % 64 || header->magic != LIVE) {
        return fail(IT_INVALID, "free", "%#llx is not a live block", (unsigned long long)address);
    }
    header->magic = FREED;
    if (header->mapped) {
        munmap((char *)address - PAGE, header->mapped);
    } else {
        free(header);
    }
    return IT_OK;
}

static int copy(it_addr dst, it_addr src, uint64_t bytes, int32_t kind, it_stream) {
    IT_CHECK(kind >= IT_HOST_TO_DEVICE && kind <= IT_DEVICE_TO_DEVICE, "kind %d", kind);
    IT_CHECK(bytes == 0 || (dst && src), "null address");
    if (bytes) memmove((void *)dst, (const void *)src, bytes);
    return IT_OK;
}

static int zero(it_addr dst, uint64_t bytes, it_stream) {
    IT_CHECK(bytes == 0 || dst, "null address");
    if (bytes) memset((void *)dst, 0, bytes);
    return IT_OK;
}

static int stream_create(it_stream *s) {
    IT_CHECK(s, "stream is null");
    *s = 0;
    return IT_OK;
}
static int stream_destroy(it_stream) { return IT_OK; }
static int stream_synchronize(it_stream) { return IT_OK; }

static int event_create(it_event *e) {
    IT_CHECK(e, "event is null");
    void *time = calloc(1, sizeof(timespec));
    if (!time) return fail(IT_OUT_OF_MEMORY, "event_create", "no memory");
    *e = (it_event)time;
    return IT_OK;
}
static int event_destroy(it_event e) {
    free((void *)e);
    return IT_OK;
}
static int event_record(it_event e, it_stream) {
    IT_CHECK(e, "event is null");
    clock_gettime(CLOCK_MONOTONIC, (timespec *)e);
    return IT_OK;
}
static int event_elapsed_ms(it_event start, it_event end, float *ms) {
    IT_CHECK(start && end && ms, "null argument");
    const timespec *a = (const timespec *)start, *b = (const timespec *)end;
    *ms = (float)((double)(b->tv_sec - a->tv_sec) * 1e3 + (double)(b->tv_nsec - a->tv_nsec) * 1e-6);
    return IT_OK;
}

static int no_graphs(const char *function) { return fail(IT_INVALID, function, "a CPU has no graphs"); }
static int graph_begin(it_stream) { return no_graphs(__func__); }
static int graph_end(it_stream, it_graph *) { return no_graphs(__func__); }
static int graph_launch(it_graph, it_stream) { return no_graphs(__func__); }
static int graph_destroy(it_graph) { return no_graphs(__func__); }

void fill_memory_functions(it_api *api) {
    api->alloc = alloc;
    api->free = free_block;
    api->copy = copy;
    api->zero = zero;
    api->stream_create = stream_create;
    api->stream_destroy = stream_destroy;
    api->stream_synchronize = stream_synchronize;
    api->event_create = event_create;
    api->event_destroy = event_destroy;
    api->event_record = event_record;
    api->event_elapsed_ms = event_elapsed_ms;
    api->graph_begin = graph_begin;
    api->graph_end = graph_end;
    api->graph_launch = graph_launch;
    api->graph_destroy = graph_destroy;
}

} // namespace intuitor

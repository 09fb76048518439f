/*
 * The CPU as a device: the library's entry point, the choice of the instruction set, the number of threads.
 *
 * The table is filled once, when the library is loaded. INTUITOR_ISA=portable|avx2|avx512 overrides the choice, for
 * tests; init() refuses a set that this CPU or this build does not have.
 */
#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>

#include "error.h"
#include "host.h"
#include "parallel.h"

extern "C" {
void intuitor_kernels_portable(it_api *);
#ifdef __x86_64__
void intuitor_kernels_avx2(it_api *);
void intuitor_kernels_avx512(it_api *);
#endif
}

namespace intuitor {

int thread_count = 1;

namespace {

struct InstructionSet {
    const char *name;
    void (*fill)(it_api *);
    bool supported;
};

/* What this build has, the best last. */
struct InstructionSets {
    InstructionSet sets[3];
    int count = 0;
    const InstructionSet *best = nullptr;   // that this CPU has
    const InstructionSet *chosen = nullptr; // null: INTUITOR_ISA names none that it has
    bool bf16_dot = false;

    InstructionSets() {
        sets[count++] = {"portable", intuitor_kernels_portable, true};
#ifdef __x86_64__
        __builtin_cpu_init();
        bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
        bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
        sets[count++] = {"avx2", intuitor_kernels_avx2, avx2};
        sets[count++] = {"avx512", intuitor_kernels_avx512, avx512};
        bf16_dot = avx512 && __builtin_cpu_supports("avx512bf16");
#endif
        const char *wish = getenv("INTUITOR_ISA");
        for (int i = 0; i < count; i++) {
            if (!sets[i].supported) continue;
            best = &sets[i];
            if (!wish || !*wish || !strcmp(wish, sets[i].name)) chosen = best;
        }
    }
    const InstructionSet &in_use() const { return chosen ? *chosen : *best; }
};

const InstructionSets instruction_sets;

int device_count(int32_t *count) {
    IT_CHECK(count, "count is null");
    *count = 1;
    return IT_OK;
}

int init(int32_t device, int32_t threads) {
    IT_CHECK(device == 0, "device %d: the CPU is device 0 and there is no other", device);
    IT_CHECK(threads >= 0 && threads <= 4096, "threads is %d", threads);
    IT_CHECK(instruction_sets.chosen, "INTUITOR_ISA=%s: not an instruction set of this CPU (best: %s)",
             getenv("INTUITOR_ISA"), instruction_sets.best->name);
    if (threads == 0) {
        cpu_set_t allowed; // the cores of this process: a container or taskset may have fewer than the machine
        threads = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed)
                                                                      : (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    }
    thread_count = threads;
    omp_set_num_threads(threads); // oneDNN shares the thread pool
    return IT_OK;
}

void processor_name(char *name, size_t size) {
    snprintf(name, size, "CPU");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && value) {
            value += strspn(value, ": \t");
            snprintf(name, size, "%.*s", (int)strcspn(value, "\n"), value);
            break;
        }
    }
    fclose(file);
}

int device_info(it_device_info *info) {
    IT_CHECK(info, "info is null");
    memset(info, 0, sizeof *info);
    processor_name(info->name, sizeof info->name);
    snprintf(info->isa, sizeof info->isa, "%s", instruction_sets.in_use().name);
    info->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    info->threads = thread_count;
    info->bf16_dot = instruction_sets.bf16_dot;
    return IT_OK;
}

it_api fill_table() {
    it_api api = {};
    api.abi_version = IT_ABI_VERSION;
    api.table_bytes = sizeof api;
    api.last_error = last_error;
    api.device_count = device_count;
    api.init = init;
    api.device_info = device_info;
    fill_memory_functions(&api);
    instruction_sets.in_use().fill(&api);
    return api;
}

const it_api table = fill_table();

} // namespace
} // namespace intuitor

extern "C" __attribute__((visibility("default"))) const it_api *intuitor_get_api(void) {
    return &intuitor::table;
}

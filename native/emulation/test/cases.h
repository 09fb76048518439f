/* What the cases of emulator_test share. */
#pragma once
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "../../../kernels/common.cuh"

struct Case {
    const char *name;
    void (*run)();
};

/* sm90_cases.cpp, product_cases.cpp */
std::vector<Case> sm90_cases();
std::vector<Case> product_cases();

constexpr int N = 64; // threads of most blocks: two warps

/* Memory of the device with what it holds after a launch. */
struct Buffer {
    float *data = nullptr;
    int size;

    explicit Buffer(int size) : size(size) { cudaMalloc((void **)&data, size * sizeof(float)); }
    ~Buffer() { cudaFree(data); }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;

    /* "1 2 nan", runs of the same value once. */
    void print() const {
        for (int i = 0; i < size; i++) {
            if (i == 0 || memcmp(&data[i], &data[i - 1], sizeof(float))) {
                printf(std::isnan(data[i]) ? "%snan" : "%s%g", i ? " " : "", data[i]);
            }
        }
        printf("\n");
    }
};

/* Launches on `blocks` blocks and prints "no error" or what went wrong. */
template <class... Parameters, class... Arguments>
void run_clusters(int cluster, void (*kernel)(Parameters...), int blocks, int threads, size_t shared,
                  Arguments... arguments) {
    printf("%s\n", cudaGetErrorString(intuitor::cuda::launch_clusters(cluster, kernel, dim3(blocks), threads, shared, 0,
                                                                      arguments...)));
}
template <class... Parameters, class... Arguments>
void run(void (*kernel)(Parameters...), int blocks, int threads, size_t shared, Arguments... arguments) {
    run_clusters(1, kernel, blocks, threads, shared, arguments...);
}

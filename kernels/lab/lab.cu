/* The list of the lab's steps. */
#include "lab.cuh"

#include <algorithm>
#include <cstring>
#include <vector>

namespace intuitor::cuda::lab {

/* A function's static: files register while the library is loaded, in any order. */
static std::vector<it_lab_reduction> &reductions() {
    static std::vector<it_lab_reduction> all;
    return all;
}

Register::Register(const char *name, const char *idea, decltype(it_lab_reduction::run) run) {
    auto &all = reductions();
    all.push_back({name, idea, run});
    std::sort(all.begin(), all.end(), [](auto &a, auto &b) { return strcmp(a.name, b.name) < 0; });
}

} // namespace intuitor::cuda::lab

extern "C" __attribute__((visibility("default"))) const it_lab *intuitor_get_lab(void) {
    static it_lab lab;
    auto &all = intuitor::cuda::lab::reductions();
    lab = {(int64_t)all.size(), all.data()};
    return &lab;
}

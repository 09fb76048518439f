/* The list of the lab's steps. */
#include "attention.cuh"
#include "head.cuh"

#include <algorithm>
#include <cstring>
#include <vector>

namespace intuitor::cuda::lab {

/* Functions' statics: files register while the library is loaded, in any order. */
static std::vector<it_lab_reduction> &reductions() {
    static std::vector<it_lab_reduction> all;
    return all;
}

struct HeadStep {
    it_lab_head step;
    bool (*available)();
};
static std::vector<HeadStep> &heads() {
    static std::vector<HeadStep> all;
    return all;
}

static std::vector<it_lab_attention> &attentions() {
    static std::vector<it_lab_attention> all;
    return all;
}

Register::Register(const char *name, const char *idea, decltype(it_lab_reduction::run) run) {
    auto &all = reductions();
    all.push_back({name, idea, run});
    std::sort(all.begin(), all.end(), [](auto &a, auto &b) { return strcmp(a.name, b.name) < 0; });
}

RegisterHead::RegisterHead(const char *name, const char *idea, decltype(it_lab_head::run) run, bool (*available)()) {
    auto &all = heads();
    all.push_back({{name, idea, run}, available});
    std::sort(all.begin(), all.end(), [](auto &a, auto &b) { return strcmp(a.step.name, b.step.name) < 0; });
}

RegisterAttention::RegisterAttention(const char *name, const char *idea, decltype(it_lab_attention::run) run) {
    auto &all = attentions();
    all.push_back({name, idea, run});
    std::sort(all.begin(), all.end(), [](auto &a, auto &b) { return strcmp(a.name, b.name) < 0; });
}

/* Those that the device in use can run. */
static std::vector<it_lab_head> available_heads() {
    std::vector<it_lab_head> available;
    for (const HeadStep &one : heads()) {
        if (one.available()) available.push_back(one.step);
    }
    return available;
}

} // namespace intuitor::cuda::lab

extern "C" __attribute__((visibility("default"))) const it_lab *intuitor_get_lab(void) {
    static it_lab lab;
    static std::vector<it_lab_head> heads;
    auto &reductions = intuitor::cuda::lab::reductions();
    auto &attentions = intuitor::cuda::lab::attentions();
    heads = intuitor::cuda::lab::available_heads();
    lab = {(int64_t)reductions.size(), reductions.data(), (int64_t)heads.size(), heads.data(),
           (int64_t)attentions.size(), attentions.data()};
    return &lab;
}

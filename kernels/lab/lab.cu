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

/* A step, and whether the device in use can run it. */
template <class Step> struct Registered {
    Step step;
    bool (*available)();
};
static std::vector<Registered<it_lab_head>> &heads() {
    static std::vector<Registered<it_lab_head>> all;
    return all;
}
static std::vector<Registered<it_lab_attention>> &attentions() {
    static std::vector<Registered<it_lab_attention>> all;
    return all;
}

Register::Register(const char *name, const char *idea, decltype(it_lab_reduction::run) run) {
    auto &all = reductions();
    all.push_back({name, idea, run});
    std::sort(all.begin(), all.end(), [](auto &a, auto &b) { return strcmp(a.name, b.name) < 0; });
}

template <class Step> static void add(std::vector<Registered<Step>> &all, const Registered<Step> &one) {
    all.push_back(one);
    std::sort(all.begin(), all.end(), [](auto &a, auto &b) { return strcmp(a.step.name, b.step.name) < 0; });
}

RegisterHead::RegisterHead(const char *name, const char *idea, decltype(it_lab_head::run) run, bool (*available)()) {
    add(heads(), {{name, idea, run}, available});
}

RegisterAttention::RegisterAttention(const char *name, const char *idea, decltype(it_lab_attention::run) run,
                                     decltype(it_lab_attention::takes) takes, bool (*available)()) {
    add(attentions(), {{name, idea, run, takes}, available});
}

template <class Step> static std::vector<Step> available(const std::vector<Registered<Step>> &all) {
    std::vector<Step> steps;
    for (auto &one : all) {
        if (one.available()) steps.push_back(one.step);
    }
    return steps;
}

} // namespace intuitor::cuda::lab

extern "C" __attribute__((visibility("default"))) const it_lab *intuitor_get_lab(void) {
    static it_lab lab;
    static std::vector<it_lab_head> heads;
    static std::vector<it_lab_attention> attentions;
    auto &reductions = intuitor::cuda::lab::reductions();
    heads = available(intuitor::cuda::lab::heads());
    attentions = available(intuitor::cuda::lab::attentions());
    lab = {(int64_t)reductions.size(), reductions.data(), (int64_t)heads.size(), heads.data(),
           (int64_t)attentions.size(), attentions.data()};
    return &lab;
}

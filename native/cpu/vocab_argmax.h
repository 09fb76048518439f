/* The lowest index of the largest logit, from the maxima of chunks: only the winning chunk is searched. */
#pragma once
#include "vocab_sums.h"

namespace intuitor::INTUITOR_ISA {

template <class T> struct Argmax {
    const T *z;
    int64_t limit; // ids from here on do not count
    float value = -__builtin_inff();
    int64_t from = 0, to = 0;

    Argmax(const T *z, int64_t limit) : z(z), limit(limit) {}

    /* A chunk of z and its largest logit; in order. */
    void operator()(int64_t begin, int64_t end, float chunk_max) {
        if (begin >= limit) return;
        if (end > limit) {
            end = limit;
            chunk_max = largest(z + begin, end - begin);
        }
        if (chunk_max > value) {
            value = chunk_max;
            from = begin;
            to = end;
        }
    }

    /* 0 where every logit is -inf or NaN. */
    int32_t id() const {
        for (int64_t i = from; i < to; i++) {
            if (to_float(z[i]) == value) return (int32_t)i;
        }
        return 0;
    }
};

} // namespace intuitor::INTUITOR_ISA

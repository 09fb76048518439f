/* The status convention of the ABI: a function returns IT_OK, or fail(...), which keeps the reason for last_error(). */
#pragma once
#include "intuitor.h"

namespace intuitor {

/* Keeps "function: message" for the calling thread and returns status. */
__attribute__((format(printf, 3, 4))) int fail(int status, const char *function, const char *format, ...);
const char *last_error();

} // namespace intuitor

/* Arguments come from outside: IT_CHECK(n >= 0, "n is %lld", (long long)n). */
#define IT_CHECK(condition, ...)                                                  \
    do {                                                                          \
        if (__builtin_expect(!(condition), 0))                                    \
            return ::intuitor::fail(IT_INVALID, __func__, __VA_ARGS__);           \
    } while (0)

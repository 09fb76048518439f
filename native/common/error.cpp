#include "error.h"

#include <cstdarg>
#include <cstdio>

namespace intuitor {

static thread_local char message[512] = "no error";

int fail(int status, const char *function, const char *format, ...) {
    int n = snprintf(message, sizeof message, "%s: ", function);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message + n, sizeof message - n, format, arguments);
    va_end(arguments);
    return status;
}

const char *last_error() { return message; }

} // namespace intuitor

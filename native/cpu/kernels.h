/* The kernels of one instruction set: each has the type of the ABI's pointer of the same name, and its own file. */
#pragma once
#include <type_traits>

#include "intuitor.h"

#define INTUITOR_KERNELS(X)                                                                                            \
    X(cast)                                                                                                            \

namespace intuitor::INTUITOR_ISA {

#define X(name) std::remove_pointer_t<decltype(it_api::name)> name;
INTUITOR_KERNELS(X)
#undef X

} // namespace intuitor::INTUITOR_ISA

/* The kernels of one instruction set: each has the type of the ABI's pointer of the same name, and its own file. */
#pragma once
#include <type_traits>

#include "error.h"
#include "intuitor.h"
#include "kernel_list.h"

/* The CPU's kernels hold activations in fp32 only. */
#define IT_CHECK_F32(dtype) IT_CHECK((dtype) == IT_F32, "dtype %d: this kernel works on fp32 only", (int)(dtype))

namespace intuitor::INTUITOR_ISA {

#define X(name) std::remove_pointer_t<decltype(it_api::name)> name;
INTUITOR_KERNELS(X)
#undef X

} // namespace intuitor::INTUITOR_ISA

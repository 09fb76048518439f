/* The functions of the ABI that are no kernels: memory.cpp, device.cpp. */
#pragma once
#include "intuitor.h"

namespace intuitor {

void fill_memory_functions(it_api *api);

} // namespace intuitor

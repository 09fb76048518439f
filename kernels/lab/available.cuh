/* Which devices can run a step: what it registers with, this or on_hopper(). */
#pragma once
#include "../common.cuh"

namespace intuitor::cuda::lab {

inline bool everywhere() { return true; }

} // namespace intuitor::cuda::lab

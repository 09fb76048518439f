/* Numbers that the kernels of all devices share, in double precision: a kernel rounds what it makes of them. */
#pragma once

namespace intuitor {

constexpr double LOG2_E = 1.4426950408889634, LN_2 = 0.6931471805599453;

} // namespace intuitor

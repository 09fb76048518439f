/* The one global symbol of an instruction set: fills the ABI's table with its kernels. */
#include "kernels.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

extern "C" void JOIN(intuitor_kernels_, INTUITOR_ISA)(it_api *api) {
#define X(name) api->name = intuitor::INTUITOR_ISA::name;
    INTUITOR_KERNELS(X)
#undef X
}

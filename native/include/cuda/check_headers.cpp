/*
 * check_headers.cpp - holds cublaslt.h and cudnn.h against NVIDIA's own headers, at compile time:
 *
 *     g++ -std=c++20 -fsyntax-only -I"$CUDA_HOME/include" native/include/cuda/check_headers.cpp
 *
 * Every constant must have the same value, every structure the same size and offsets, and every function the same
 * number of arguments of the same kinds (what a caller's registers depend on). What is not installed is named in a
 * warning and not checked.
 */
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>
#define CUBLASLT_IS_HERE
#else
#warning "cublasLt.h is not installed: cublaslt.h is not checked"
#endif

namespace ours {
#include "cublaslt.h"
} // namespace ours

namespace {

/* How a value is passed: as a pointer, a floating-point number or an integer of some width. */
template <typename T> constexpr int kind() {
    if constexpr (std::is_void_v<T>) return 0;
    else if constexpr (std::is_pointer_v<T>) return 1;
    else if constexpr (std::is_floating_point_v<T>) return 100 + int(sizeof(T));
    else return 200 + int(sizeof(T));
}

template <typename... T> struct Kinds {
    static constexpr int values[] = {kind<T>()...};
};

template <typename R, typename... A, typename S, typename... B>
constexpr bool called_alike(R (*)(A...), S (*)(B...)) {
    if constexpr (sizeof...(A) != sizeof...(B)) {
        return false;
    } else {
        for (std::size_t i = 0; i <= sizeof...(A); i++) {
            if (Kinds<R, A...>::values[i] != Kinds<S, B...>::values[i]) return false;
        }
        return true;
    }
}

} // namespace

#define VALUE(name) static_assert((long long)ours::name == (long long)::name, "another value of " #name)
#define FUNCTION(name)                                                                                                 \
    static_assert(called_alike((decltype(&ours::name)) nullptr, (decltype(&::name)) nullptr), "another form of " #name)
#define STRUCT(name)                                                                                                   \
    static_assert(sizeof(ours::name) == sizeof(::name) && alignof(ours::name) == alignof(::name),                      \
                  "another size of " #name)
#define MEMBER(type, name)                                                                                             \
    static_assert(offsetof(ours::type, name) == offsetof(::type, name) &&                                              \
                      sizeof(ours::type::name) == sizeof(::type::name),                                                \
                  "another place of " #type "." #name)

#ifdef CUBLASLT_IS_HERE
VALUE(CUBLAS_STATUS_SUCCESS);
VALUE(CUBLAS_STATUS_NOT_INITIALIZED);
VALUE(CUBLAS_STATUS_ALLOC_FAILED);
VALUE(CUBLAS_STATUS_INVALID_VALUE);
VALUE(CUBLAS_STATUS_ARCH_MISMATCH);
VALUE(CUBLAS_STATUS_EXECUTION_FAILED);
VALUE(CUBLAS_STATUS_INTERNAL_ERROR);
VALUE(CUBLAS_STATUS_NOT_SUPPORTED);
VALUE(CUDA_R_32F);
VALUE(CUDA_R_16F);
VALUE(CUDA_R_16BF);
VALUE(CUBLAS_OP_N);
VALUE(CUBLAS_OP_T);
VALUE(CUBLAS_COMPUTE_32F);
VALUE(CUBLAS_COMPUTE_32F_PEDANTIC);
VALUE(CUBLAS_COMPUTE_32F_FAST_TF32);
VALUE(CUBLASLT_REDUCTION_SCHEME_NONE);
VALUE(CUBLASLT_REDUCTION_SCHEME_INPLACE);
VALUE(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
VALUE(CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE);
VALUE(CUBLASLT_REDUCTION_SCHEME_MASK);
VALUE(CUBLASLT_MATMUL_DESC_TRANSA);
VALUE(CUBLASLT_MATMUL_DESC_TRANSB);
VALUE(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
VALUE(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
VALUE(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
VALUE(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
VALUE(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
VALUE(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
VALUE(CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME);

STRUCT(cublasLtMatmulAlgo_t);
STRUCT(cublasLtMatmulHeuristicResult_t);
MEMBER(cublasLtMatmulHeuristicResult_t, algo);
MEMBER(cublasLtMatmulHeuristicResult_t, workspaceSize);
MEMBER(cublasLtMatmulHeuristicResult_t, state);
MEMBER(cublasLtMatmulHeuristicResult_t, wavesCount);
MEMBER(cublasLtMatmulHeuristicResult_t, reserved);

FUNCTION(cublasLtCreate);
FUNCTION(cublasLtDestroy);
FUNCTION(cublasLtGetStatusName);
FUNCTION(cublasLtGetVersion);
FUNCTION(cublasLtMatrixLayoutCreate);
FUNCTION(cublasLtMatrixLayoutDestroy);
FUNCTION(cublasLtMatmulDescCreate);
FUNCTION(cublasLtMatmulDescDestroy);
FUNCTION(cublasLtMatmulDescSetAttribute);
FUNCTION(cublasLtMatmulPreferenceCreate);
FUNCTION(cublasLtMatmulPreferenceDestroy);
FUNCTION(cublasLtMatmulPreferenceSetAttribute);
FUNCTION(cublasLtMatmulAlgoGetHeuristic);
FUNCTION(cublasLtMatmulAlgoConfigGetAttribute);
FUNCTION(cublasLtMatmul);
#endif

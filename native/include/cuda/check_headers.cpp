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

#if __has_include(<cudnn.h>)
#include <cudnn.h>
#define CUDNN_IS_HERE
#else
#warning "cudnn.h is not installed: our cudnn.h is not checked"
#endif

namespace ours {
#include "cublaslt.h"
#include "cudnn.h"
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

#ifdef CUDNN_IS_HERE
VALUE(CUDNN_STATUS_SUCCESS);
VALUE(CUDNN_STATUS_BAD_PARAM);
VALUE(CUDNN_STATUS_NOT_SUPPORTED);
VALUE(CUDNN_DATA_FLOAT);
VALUE(CUDNN_DATA_INT32);
VALUE(CUDNN_DATA_BFLOAT16);
VALUE(CUDNN_DATA_BOOLEAN);
VALUE(CUDNN_REDUCE_TENSOR_ADD);
VALUE(CUDNN_REDUCE_TENSOR_MAX);
VALUE(CUDNN_POINTWISE_ADD);
VALUE(CUDNN_POINTWISE_MUL);
VALUE(CUDNN_POINTWISE_DIV);
VALUE(CUDNN_POINTWISE_SUB);
VALUE(CUDNN_POINTWISE_EXP);
VALUE(CUDNN_POINTWISE_LOG);
VALUE(CUDNN_POINTWISE_CMP_GE);
VALUE(CUDNN_POINTWISE_CMP_LT);
VALUE(CUDNN_POINTWISE_LOGICAL_AND);
VALUE(CUDNN_POINTWISE_GEN_INDEX);
VALUE(CUDNN_POINTWISE_BINARY_SELECT);
VALUE(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
VALUE(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
VALUE(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
VALUE(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
VALUE(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
VALUE(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
VALUE(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
VALUE(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
VALUE(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
VALUE(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
VALUE(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
VALUE(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
VALUE(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
VALUE(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
VALUE(CUDNN_TYPE_HANDLE);
VALUE(CUDNN_TYPE_DATA_TYPE);
VALUE(CUDNN_TYPE_BOOLEAN);
VALUE(CUDNN_TYPE_INT64);
VALUE(CUDNN_TYPE_DOUBLE);
VALUE(CUDNN_TYPE_VOID_PTR);
VALUE(CUDNN_TYPE_HEUR_MODE);
VALUE(CUDNN_TYPE_NUMERICAL_NOTE);
VALUE(CUDNN_TYPE_POINTWISE_MODE);
VALUE(CUDNN_TYPE_BACKEND_DESCRIPTOR);
VALUE(CUDNN_TYPE_REDUCTION_OPERATOR_TYPE);
VALUE(CUDNN_ATTR_POINTWISE_MODE);
VALUE(CUDNN_ATTR_POINTWISE_MATH_PREC);
VALUE(CUDNN_ATTR_POINTWISE_AXIS);
VALUE(CUDNN_ATTR_ENGINEHEUR_MODE);
VALUE(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
VALUE(CUDNN_ATTR_ENGINEHEUR_RESULTS);
VALUE(CUDNN_ATTR_ENGINECFG_ENGINE);
VALUE(CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
VALUE(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
VALUE(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
VALUE(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
VALUE(CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
VALUE(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
VALUE(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
VALUE(CUDNN_ATTR_OPERATION_POINTWISE_TDESC);
VALUE(CUDNN_ATTR_OPERATIONGRAPH_HANDLE);
VALUE(CUDNN_ATTR_OPERATIONGRAPH_OPS);
VALUE(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
VALUE(CUDNN_ATTR_TENSOR_DATA_TYPE);
VALUE(CUDNN_ATTR_TENSOR_DIMENSIONS);
VALUE(CUDNN_ATTR_TENSOR_STRIDES);
VALUE(CUDNN_ATTR_TENSOR_UNIQUE_ID);
VALUE(CUDNN_ATTR_TENSOR_IS_VIRTUAL);
VALUE(CUDNN_ATTR_TENSOR_IS_BY_VALUE);
VALUE(CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC);
VALUE(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
VALUE(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
VALUE(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
VALUE(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE);
VALUE(CUDNN_ATTR_MATMUL_COMP_TYPE);
VALUE(CUDNN_ATTR_MATMUL_PADDING_VALUE);
VALUE(CUDNN_ATTR_OPERATION_MATMUL_ADESC);
VALUE(CUDNN_ATTR_OPERATION_MATMUL_BDESC);
VALUE(CUDNN_ATTR_OPERATION_MATMUL_CDESC);
VALUE(CUDNN_ATTR_OPERATION_MATMUL_DESC);
VALUE(CUDNN_ATTR_OPERATION_MATMUL_GEMM_M_OVERRIDE_DESC);
VALUE(CUDNN_ATTR_OPERATION_MATMUL_GEMM_N_OVERRIDE_DESC);
VALUE(CUDNN_ATTR_OPERATION_MATMUL_GEMM_K_OVERRIDE_DESC);
VALUE(CUDNN_ATTR_REDUCTION_OPERATOR);
VALUE(CUDNN_ATTR_REDUCTION_COMP_TYPE);
VALUE(CUDNN_ATTR_OPERATION_REDUCTION_XDESC);
VALUE(CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
VALUE(CUDNN_ATTR_OPERATION_REDUCTION_DESC);
VALUE(CUDNN_ATTR_OPERATION_RESHAPE_XDESC);
VALUE(CUDNN_ATTR_OPERATION_RESHAPE_YDESC);
VALUE(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
VALUE(CUDNN_HEUR_MODE_A);

FUNCTION(cudnnGetVersion);
FUNCTION(cudnnGetErrorString);
FUNCTION(cudnnGetLastErrorString);
FUNCTION(cudnnCreate);
FUNCTION(cudnnDestroy);
FUNCTION(cudnnSetStream);
FUNCTION(cudnnBackendCreateDescriptor);
FUNCTION(cudnnBackendDestroyDescriptor);
FUNCTION(cudnnBackendFinalize);
FUNCTION(cudnnBackendSetAttribute);
FUNCTION(cudnnBackendGetAttribute);
FUNCTION(cudnnBackendExecute);
#endif

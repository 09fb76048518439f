/*
 * A stand-in for libcublasLt.so in tests: matrix products by three loops over host memory, and a refusal of everything
 * that the real library would refuse or that would make its results depend on chance. fake_error() says what was
 * refused and why; fake_count() what is alive and what was called. On a stream of the emulated device that is recorded,
 * a product is computed when its graph is launched.
 */
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <set>

#include "stream.h"

extern "C" {
#include "cublaslt.h"

/* Opaque to the caller. */
struct cublasLtContext {};
struct cublasLtMatrixLayoutOpaque {
    cudaDataType_t type;
    uint64_t rows, columns;
    int64_t ld;
};
struct cublasLtMatmulDescOpaque {
    cublasComputeType_t compute;
    int32_t trans_a, trans_b;
};
struct cublasLtMatmulPreferenceOpaque {
    uint64_t workspace;
    uint32_t scheme_mask;
    uint32_t alignment[4]; // of A, B, C, D
};
}

namespace {

/* What an algorithm holds: all that it was proposed for, so that it is refused for anything else. */
struct Algorithm {
    uint32_t magic, scheme;
    uint32_t compute, trans_a, trans_b, type_a, type_d;
    uint32_t rows_d, columns_d, inner;
    uint16_t alignment[4];
    uint64_t workspace;
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));
const uint32_t MAGIC = 0x17a160;

char error[512] = "";
bool obeys_scheme_mask = true;
std::set<const void *> alive;
int64_t heuristics, products, last_compute, last_scheme, last_alignment, last_stream;

cublasStatus_t refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, sizeof error, format, arguments);
    va_end(arguments);
    return CUBLAS_STATUS_INVALID_VALUE;
}

template <typename T> cublasStatus_t create(T **object, const T &value) {
    *object = new T(value);
    alive.insert(*object);
    return CUBLAS_STATUS_SUCCESS;
}

template <typename T> cublasStatus_t destroy(T *object) {
    if (!alive.erase(object)) return refuse("destroyed, and it is not alive");
    delete object;
    return CUBLAS_STATUS_SUCCESS;
}

float load(const void *p, cudaDataType_t type, size_t i) {
    if (type == CUDA_R_32F) return ((const float *)p)[i];
    uint32_t bits = (uint32_t)((const uint16_t *)p)[i] << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

void store(void *p, cudaDataType_t type, size_t i, float value) {
    if (type == CUDA_R_32F) {
        ((float *)p)[i] = value;
        return;
    }
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if (value == value) bits += 0x7fff + (bits >> 16 & 1); // to nearest even
    ((uint16_t *)p)[i] = (uint16_t)(bits >> 16);
}

/* What the four descriptors make of a product, or an error. */
cublasStatus_t shape(Algorithm *s, cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t result) {
    for (const void *p : {(const void *)d, (const void *)a, (const void *)b, (const void *)c, (const void *)result}) {
        if (!alive.count(p)) return refuse("a descriptor is not alive");
    }
    if (c != result && (c->type != result->type || c->rows != result->rows || c->columns != result->columns)) {
        return refuse("C and D differ");
    }
    uint64_t m = d->trans_a ? a->columns : a->rows, k = d->trans_a ? a->rows : a->columns;
    uint64_t k_b = d->trans_b ? b->columns : b->rows, n = d->trans_b ? b->rows : b->columns;
    if (k != k_b || m != result->rows || n != result->columns) {
        return refuse("[%d,%d] = [%d,%d] [%d,%d]", (int)result->rows, (int)result->columns, (int)m, (int)k, (int)k_b,
                      (int)n);
    }
    if (m == 0 || n == 0 || k == 0) return refuse("an empty product");
    bool known = a->type == b->type && (result->type == a->type || result->type == CUDA_R_32F);
    if (!known) return refuse("types %d and %d to %d", a->type, b->type, result->type);
    if (d->compute != CUBLAS_COMPUTE_32F && d->compute != CUBLAS_COMPUTE_32F_PEDANTIC) {
        return refuse("compute type %d is not fp32", d->compute);
    }
    memset(s, 0, sizeof *s);
    s->magic = MAGIC;
    s->compute = d->compute;
    s->trans_a = d->trans_a;
    s->trans_b = d->trans_b;
    s->type_a = a->type;
    s->type_d = result->type;
    s->rows_d = (uint32_t)m;
    s->columns_d = (uint32_t)n;
    s->inner = (uint32_t)k;
    return CUBLAS_STATUS_SUCCESS;
}

} // namespace

extern "C" {

const char *fake_error(void) { return error; }
void fake_obey_scheme_mask(int32_t obey) { obeys_scheme_mask = obey; }
int64_t fake_count(int32_t what) {
    const int64_t counts[] = {(int64_t)alive.size(), heuristics,     products,
                              last_compute,          last_scheme,    last_alignment,
                              last_stream};
    return counts[what];
}

size_t cublasLtGetVersion(void) { return 130001; }

const char *cublasLtGetStatusName(cublasStatus_t status) {
    static char name[600];
    snprintf(name, sizeof name, "status %d (%s)", status, error);
    return name;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) { return create(handle, cublasLtContext()); }
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy(handle); }

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType_t type, uint64_t rows,
                                          uint64_t columns, int64_t ld) {
    if (type != CUDA_R_32F && type != CUDA_R_16BF) return refuse("layout of type %d", type);
    if (ld < (int64_t)rows) return refuse("ld %d of %d rows", (int)ld, (int)rows);
    return create(layout, {type, rows, columns, ld});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return destroy(layout); }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *description, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
    if (scale != CUDA_R_32F) return refuse("alpha and beta of type %d", scale);
    return create(description, {compute, CUBLAS_OP_N, CUBLAS_OP_N});
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) { return destroy(description); }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t size) {
    if (!alive.count(d)) return refuse("a description is not alive");
    if (size != 4) return refuse("attribute %d of %d bytes", attribute, (int)size);
    int32_t x = *(const int32_t *)value;
    if (x != CUBLAS_OP_N && x != CUBLAS_OP_T) return refuse("operation %d", x);
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: d->trans_a = x; return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_DESC_TRANSB: d->trans_b = x; return CUBLAS_STATUS_SUCCESS;
    }
    return refuse("attribute %d", attribute);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference) {
    return create(preference, {0, CUBLASLT_REDUCTION_SCHEME_MASK, {256, 256, 256, 256}});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) { return destroy(preference); }
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void *value,
                                                    size_t size) {
    if (!alive.count(p)) return refuse("a preference is not alive");
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
        if (size != 8) return refuse("a workspace's size in %d bytes", (int)size);
        p->workspace = *(const uint64_t *)value;
        return CUBLAS_STATUS_SUCCESS;
    }
    if (size != 4) return refuse("preference %d of %d bytes", attribute, (int)size);
    uint32_t x = *(const uint32_t *)value;
    if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) {
        p->scheme_mask = x;
        return CUBLAS_STATUS_SUCCESS;
    }
    int matrix = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
    if (matrix < 0 || matrix > 3) return refuse("preference %d", attribute);
    if (x == 0 || x & (x - 1) || x > 256) return refuse("an alignment of %d bytes", (int)x);
    p->alignment[matrix] = x;
    return CUBLAS_STATUS_SUCCESS;
}

/* Proposes one algorithm that does not work here, one that adds in no fixed order, and one of the kind wanted. */
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t p, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[], int *found) {
    heuristics++;
    *found = 0;
    if (!alive.count(handle) || !alive.count(p)) return refuse("a handle is not alive");
    Algorithm s;
    if (cublasStatus_t status = shape(&s, description, a, b, c, d)) return status;
    for (int i = 0; i < 4; i++) s.alignment[i] = (uint16_t)p->alignment[i];
    bool splits = s.inner > 4 * s.rows_d && s.inner > 4 * s.columns_d; // long and thin: parts of the sum
    uint64_t parts_bytes = splits ? 2ull * s.rows_d * s.columns_d * sizeof(float) : 0;

    const uint32_t schemes[] = {CUBLASLT_REDUCTION_SCHEME_NONE, CUBLASLT_REDUCTION_SCHEME_INPLACE,
                                splits ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE};
    for (int i = 0; i < 3 && *found < wanted; i++) {
        if (obeys_scheme_mask && schemes[i] & ~p->scheme_mask) continue;
        if (i == 2 && parts_bytes > p->workspace) continue;
        cublasLtMatmulHeuristicResult_t *r = &results[(*found)++];
        memset(r, 0, sizeof *r);
        r->state = i == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
        s.scheme = schemes[i];
        s.workspace = r->workspaceSize = i == 2 ? parts_bytes : 0;
        s.magic = i == 0 ? 0 : MAGIC;
        memcpy(&r->algo, &s, sizeof s);
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algorithm,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute, void *value,
                                                    size_t size, size_t *written) {
    if (attribute != CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME || size != 4) return refuse("algorithm's %d", attribute);
    memcpy(value, &((const Algorithm *)algorithm)->scheme, 4);
    if (written) *written = 4;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t la, const void *b, cublasLtMatrixLayout_t lb,
                              const void *beta, const void *c, cublasLtMatrixLayout_t lc, void *d,
                              cublasLtMatrixLayout_t ld, const cublasLtMatmulAlgo_t *algorithm, void *workspace,
                              size_t workspace_bytes, cudaStream_t stream) {
    if (!alive.count(handle)) return refuse("the handle is not alive");
    if (!alpha || !beta || !a || !b || !c || !d || !algorithm) return refuse("a null pointer");
    Algorithm s, chosen;
    memcpy(&chosen, algorithm, sizeof chosen);
    if (cublasStatus_t status = shape(&s, description, la, lb, lc, ld)) return status;
    if (chosen.magic != MAGIC) return refuse("an algorithm that does not work here");
    s.scheme = chosen.scheme;
    s.workspace = chosen.workspace;
    memcpy(s.alignment, chosen.alignment, sizeof s.alignment);
    if (memcmp(&s, &chosen, sizeof s)) return refuse("an algorithm for another product");
    const void *pointers[] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        if ((uintptr_t)pointers[i] % chosen.alignment[i]) {
            return refuse("matrix %c is not aligned to %d bytes as promised", "ABCD"[i], chosen.alignment[i]);
        }
    }
    if ((uintptr_t)workspace % 256) return refuse("the workspace is not aligned to 256 bytes");
    if (chosen.workspace > workspace_bytes) return refuse("the workspace is too small");
    if (c == d && lc != ld) return refuse("C is D under another layout");
    const float x = *(const float *)alpha, y = *(const float *)beta;
    const cublasLtMatrixLayoutOpaque A = *la, B = *lb, C = *lc, D = *ld;
    intuitor::emulation::queue(stream, [=] {
        memset(workspace, 0xcd, chosen.workspace); // all of it is the library's, to the last byte
        if (workspace_bytes) ((char *)workspace)[workspace_bytes - 1] = 0x7f;
        int parts = chosen.scheme == CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE ? 2 : 1;
        for (uint64_t j = 0; j < s.columns_d; j++) {
            for (uint64_t i = 0; i < s.rows_d; i++) {
                float sum[2] = {0, 0};
                for (uint64_t l = 0; l < s.inner; l++) {
                    size_t at = s.trans_a ? l + i * A.ld : i + l * A.ld;
                    size_t bt = s.trans_b ? j + l * B.ld : l + j * B.ld;
                    sum[l * parts / s.inner] += load(a, A.type, at) * load(b, B.type, bt);
                }
                size_t at = i + j * D.ld;
                float before = y == 0 ? 0 : y * load(c, C.type, i + j * C.ld); // beta 0: C is not read
                store(d, D.type, at, x * (sum[0] + sum[1]) + before);
            }
        }
        return 0;
    });
    products++;
    last_compute = s.compute;
    last_scheme = s.scheme;
    last_alignment = s.alignment[0];
    last_stream = (int64_t)stream;
    return CUBLAS_STATUS_SUCCESS;
}
}

/*
 * A stand-in for libcudnn.so in tests: it runs a graph operation by operation over host memory, in fp32 and without
 * fusing anything, and refuses what cuDNN would refuse. What an operation leaves undefined is NaN here: rows beyond a
 * sequence's length, and columns beyond a product's, unless it is padded.
 */
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <vector>

extern "C" {
#include "cudnn.h"

struct cudnnContext {
    cudaStream_t stream;
};
}

namespace {

struct Attribute {
    int type;
    std::vector<uint8_t> bytes;
};
struct Descriptor {
    int kind;
    bool final = false;
    std::map<int, Attribute> attributes;
    int proposal = 0; // of an engine configuration
};

char error[512] = "";
std::set<const void *> alive;
const float NOTHING = std::numeric_limits<float>::quiet_NaN();

cudnnStatus_t refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, sizeof error, format, arguments);
    va_end(arguments);
    return CUDNN_STATUS_BAD_PARAM;
}

size_t size_of(int type) {
    switch (type) {
    case CUDNN_TYPE_BOOLEAN: return 1;
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR: return 8;
    default: return 4;
    }
}

template <typename T> T value(const Descriptor *d, int name, size_t i = 0) {
    T result{};
    auto found = d->attributes.find(name);
    if (found != d->attributes.end() && found->second.bytes.size() >= (i + 1) * sizeof(T)) {
        memcpy(&result, found->second.bytes.data() + i * sizeof(T), sizeof(T));
    }
    return result;
}
size_t count(const Descriptor *d, int name) {
    auto found = d->attributes.find(name);
    return found == d->attributes.end() ? 0 : found->second.bytes.size() / size_of(found->second.type);
}
Descriptor *link(const Descriptor *d, int name) { return value<Descriptor *>(d, name); }

/* A tensor while a graph runs: where it is in memory, or its elements in order if it is virtual. */
struct Tensor {
    const Descriptor *d = nullptr;
    int64_t dims[4], strides[4];
    int type = 0;
    char *address = nullptr;
    const int32_t *offsets = nullptr; // of a ragged tensor
    std::vector<float> elements;      // of a virtual one
    bool made = false;

    int64_t index(const int64_t *i) const { return ((i[0] * dims[1] + i[1]) * dims[2] + i[2]) * dims[3] + i[3]; }

    /* The place of an element in memory, -1 if a ragged tensor does not have it. */
    int64_t place(const int64_t *i) const {
        int64_t at = i[1] * strides[1] + i[2] * strides[2] + i[3] * strides[3];
        if (!offsets) return at + i[0] * strides[0];
        return at < offsets[i[0] + 1] - offsets[i[0]] ? offsets[i[0]] + at : -1;
    }

    float get(const int64_t *at) const {
        int64_t i[4]; // repeated where the tensor is smaller
        for (int n = 0; n < 4; n++) i[n] = dims[n] == 1 ? 0 : at[n];
        if (!address) return elements[index(i)];
        int64_t p = place(i);
        if (p < 0) return NOTHING;
        if (type == CUDNN_DATA_FLOAT) return ((float *)address)[p];
        if (type == CUDNN_DATA_INT32) return (float)((int32_t *)address)[p];
        uint32_t bits = (uint32_t)((uint16_t *)address)[p] << 16;
        float x;
        memcpy(&x, &bits, 4);
        return x;
    }

    void set(const int64_t *i, float x) {
        uint16_t narrow = 0;
        if (type == CUDNN_DATA_BFLOAT16) {
            uint32_t bits;
            memcpy(&bits, &x, 4);
            if (x == x) bits += 0x7fff + (bits >> 16 & 1);
            narrow = (uint16_t)(bits >> 16);
            bits = (uint32_t)narrow << 16;
            memcpy(&x, &bits, 4);
        }
        if (!address) {
            elements[index(i)] = x;
            return;
        }
        int64_t p = place(i);
        if (p < 0) return;
        if (type == CUDNN_DATA_FLOAT) ((float *)address)[p] = x;
        else ((uint16_t *)address)[p] = narrow;
    }
};

struct Run {
    std::map<int64_t, char *> pack;
    std::map<int64_t, Tensor> tensors;

    Tensor *tensor(const Descriptor *d) {
        if (!d || !alive.count(d) || d->kind != CUDNN_BACKEND_TENSOR_DESCRIPTOR || !d->final) {
            refuse("an operation's tensor is not one, or not finalized");
            return nullptr;
        }
        int64_t uid = value<int64_t>(d, CUDNN_ATTR_TENSOR_UNIQUE_ID);
        Tensor &t = tensors[uid];
        if (t.d) return t.d == d ? &t : (refuse("two tensors are number %d", (int)uid), nullptr);
        t.d = d;
        t.type = value<int32_t>(d, CUDNN_ATTR_TENSOR_DATA_TYPE);
        int64_t n = 1;
        for (int i = 0; i < 4; i++) {
            t.dims[i] = value<int64_t>(d, CUDNN_ATTR_TENSOR_DIMENSIONS, i);
            t.strides[i] = value<int64_t>(d, CUDNN_ATTR_TENSOR_STRIDES, i);
            n *= t.dims[i];
        }
        bool given = pack.count(uid);
        if (value<uint8_t>(d, CUDNN_ATTR_TENSOR_IS_VIRTUAL)) {
            if (given) return refuse("virtual tensor %d has an address", (int)uid), nullptr;
            t.elements.assign(n, NOTHING);
            return &t;
        }
        if (!given) return refuse("tensor %d has no address", (int)uid), nullptr;
        t.address = pack[uid];
        t.made = true;
        bool by_value = value<uint8_t>(d, CUDNN_ATTR_TENSOR_IS_BY_VALUE);
        if (!by_value && (uintptr_t)t.address % value<int64_t>(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT)) {
            return refuse("tensor %d is not aligned as promised", (int)uid), nullptr;
        }
        if (const Descriptor *o = link(d, CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC)) {
            Tensor *offsets = tensor(o);
            if (!offsets) return nullptr;
            if (offsets->type != CUDNN_DATA_INT32 || offsets->dims[0] != t.dims[0] + 1) {
                return refuse("offsets of tensor %d", (int)uid), nullptr;
            }
            t.offsets = (const int32_t *)offsets->address;
        }
        return &t;
    }

    Tensor *input(const Descriptor *d) {
        Tensor *t = tensor(d);
        if (t && !t->made) return refuse("a tensor is read before it is made"), nullptr;
        return t;
    }
    Tensor *output(const Descriptor *d) {
        Tensor *t = tensor(d);
        if (t && t->made && !t->address) return refuse("a virtual tensor is made twice"), nullptr;
        if (t) t->made = true;
        return t;
    }

    template <typename F> static void each(const int64_t *dims, F f) {
        int64_t i[4];
        for (i[0] = 0; i[0] < dims[0]; i[0]++)
            for (i[1] = 0; i[1] < dims[1]; i[1]++)
                for (i[2] = 0; i[2] < dims[2]; i[2]++)
                    for (i[3] = 0; i[3] < dims[3]; i[3]++) f(i);
    }

    bool pointwise(const Descriptor *o) {
        const Descriptor *how = link(o, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
        int mode = value<int32_t>(how, CUDNN_ATTR_POINTWISE_MODE);
        int axis = (int)value<int64_t>(how, CUDNN_ATTR_POINTWISE_AXIS);
        Tensor *x = input(link(o, CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
        const Descriptor *bd = link(o, CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
        const Descriptor *td = link(o, CUDNN_ATTR_OPERATION_POINTWISE_TDESC);
        Tensor *b = bd ? input(bd) : nullptr, *t = td ? input(td) : nullptr;
        Tensor *y = output(link(o, CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
        if (!x || !y || (bd && !b) || (td && !t)) return false;
        bool known = true;
        each(y->dims, [&](const int64_t *i) {
            float u = x->get(i), v = b ? b->get(i) : 0;
            switch (mode) {
            case CUDNN_POINTWISE_ADD: u += v; break;
            case CUDNN_POINTWISE_SUB: u -= v; break;
            case CUDNN_POINTWISE_MUL: u *= v; break;
            case CUDNN_POINTWISE_DIV: u /= v; break;
            case CUDNN_POINTWISE_EXP: u = std::exp(u); break;
            case CUDNN_POINTWISE_LOG: u = std::log(u); break;
            case CUDNN_POINTWISE_CMP_GE: u = u >= v; break;
            case CUDNN_POINTWISE_CMP_LT: u = u < v; break;
            case CUDNN_POINTWISE_LOGICAL_AND: u = u != 0 && v != 0; break;
            case CUDNN_POINTWISE_GEN_INDEX: u = (float)i[axis]; break;
            case CUDNN_POINTWISE_BINARY_SELECT: u = t->get(i) != 0 ? u : v; break;
            default: known = false;
            }
            y->set(i, u);
        });
        return known || (refuse("pointwise mode %d", mode), false);
    }

    bool matmul(const Descriptor *o) {
        const Descriptor *how = link(o, CUDNN_ATTR_OPERATION_MATMUL_DESC);
        Tensor *a = input(link(o, CUDNN_ATTR_OPERATION_MATMUL_ADESC));
        Tensor *b = input(link(o, CUDNN_ATTR_OPERATION_MATMUL_BDESC));
        Tensor *c = output(link(o, CUDNN_ATTR_OPERATION_MATMUL_CDESC));
        if (!a || !b || !c) return false;
        if (a->dims[2] != c->dims[2] || b->dims[3] != c->dims[3] || a->dims[3] != b->dims[2] ||
            c->dims[1] % b->dims[1] || c->dims[1] != a->dims[1]) {
            return refuse("a product's shapes"), false;
        }
        const int names[] = {CUDNN_ATTR_OPERATION_MATMUL_GEMM_M_OVERRIDE_DESC,
                             CUDNN_ATTR_OPERATION_MATMUL_GEMM_N_OVERRIDE_DESC,
                             CUDNN_ATTR_OPERATION_MATMUL_GEMM_K_OVERRIDE_DESC};
        Tensor *limits[3] = {};
        for (int n = 0; n < 3; n++) {
            const Descriptor *d = link(o, names[n]);
            if (d && !(limits[n] = input(d))) return false;
        }
        bool padded = count(how, CUDNN_ATTR_MATMUL_PADDING_VALUE) > 0;
        float beyond = padded ? (float)value<double>(how, CUDNN_ATTR_MATMUL_PADDING_VALUE) : NOTHING;
        each(c->dims, [&](const int64_t *i) {
            int64_t entry[4] = {i[0], 0, 0, 0};
            int64_t full[3] = {c->dims[2], c->dims[3], a->dims[3]};
            for (int n = 0; n < 3; n++) {
                if (limits[n]) full[n] = (int64_t)limits[n]->get(entry);
            }
            if (i[2] >= full[0] || i[3] >= full[1]) {
                c->set(i, beyond);
                return;
            }
            float sum = 0;
            for (int64_t k = 0; k < full[2]; k++) {
                int64_t ai[4] = {i[0], i[1], i[2], k};
                int64_t bi[4] = {i[0], i[1] / (c->dims[1] / b->dims[1]), k, i[3]};
                sum += a->get(ai) * b->get(bi);
            }
            c->set(i, sum);
        });
        return true;
    }

    bool reduction(const Descriptor *o) {
        const Descriptor *how = link(o, CUDNN_ATTR_OPERATION_REDUCTION_DESC);
        int op = value<int32_t>(how, CUDNN_ATTR_REDUCTION_OPERATOR);
        Tensor *x = input(link(o, CUDNN_ATTR_OPERATION_REDUCTION_XDESC));
        Tensor *y = output(link(o, CUDNN_ATTR_OPERATION_REDUCTION_YDESC));
        if (!x || !y) return false;
        int64_t group[4];
        for (int n = 0; n < 4; n++) {
            if (x->dims[n] % y->dims[n]) return refuse("a reduction's shapes"), false;
            group[n] = x->dims[n] / y->dims[n];
        }
        each(y->dims, [&](const int64_t *i) {
            float result = op == CUDNN_REDUCE_TENSOR_MAX ? -INFINITY : 0;
            each(group, [&](const int64_t *j) {
                int64_t at[4];
                for (int n = 0; n < 4; n++) at[n] = i[n] * group[n] + j[n];
                float u = x->get(at);
                result = op == CUDNN_REDUCE_TENSOR_MAX ? (u > result || u != u ? u : result) : result + u;
            });
            y->set(i, result);
        });
        return true;
    }

    /* Only the transpose of the last two dimensions is meant here. */
    bool reshape(const Descriptor *o) {
        Tensor *x = input(link(o, CUDNN_ATTR_OPERATION_RESHAPE_XDESC));
        Tensor *y = output(link(o, CUDNN_ATTR_OPERATION_RESHAPE_YDESC));
        if (!x || !y) return false;
        if (x->dims[2] != y->dims[3] || x->dims[3] != y->dims[2]) return refuse("a transpose's shapes"), false;
        each(y->dims, [&](const int64_t *i) {
            int64_t at[4] = {i[0], i[1], i[3], i[2]};
            y->set(i, x->get(at));
        });
        return true;
    }
};

} // namespace

extern "C" {

const char *fake_error(void) { return error; }
int64_t fake_alive(void) { return (int64_t)alive.size(); }

size_t cudnnGetVersion(void) { return 91301; }
const char *cudnnGetErrorString(cudnnStatus_t status) { return status ? "refused" : "success"; }
void cudnnGetLastErrorString(char *message, size_t max) { snprintf(message, max, "%s", error); }
cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
    alive.insert(*handle = new cudnnContext());
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
    if (!alive.erase(handle)) return refuse("the handle is not alive");
    delete handle;
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t kind, cudnnBackendDescriptor_t *descriptor) {
    Descriptor *d = new Descriptor();
    d->kind = kind;
    alive.insert(*descriptor = d);
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
    if (!alive.erase(descriptor)) return refuse("destroyed, and it is not alive");
    delete (Descriptor *)descriptor;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
    Descriptor *d = (Descriptor *)descriptor;
    if (!alive.count(d)) return refuse("finalized, and it is not alive");
    if (d->final) return refuse("finalized twice");
    if (d->kind == CUDNN_BACKEND_TENSOR_DESCRIPTOR &&
        (count(d, CUDNN_ATTR_TENSOR_DIMENSIONS) != 4 || count(d, CUDNN_ATTR_TENSOR_STRIDES) != 4 ||
         count(d, CUDNN_ATTR_TENSOR_UNIQUE_ID) != 1 || count(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT) != 1)) {
        return refuse("a tensor lacks something");
    }
    if (d->kind == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR &&
        link(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->proposal == 1) {
        return CUDNN_STATUS_NOT_SUPPORTED; // proposed, and it does not work here
    }
    d->final = true;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t n, const void *elements) {
    Descriptor *d = (Descriptor *)descriptor;
    if (!alive.count(d) || d->final) return refuse("attribute %d of a descriptor that is finalized or gone", name);
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
        for (int64_t i = 0; i < n; i++) {
            Descriptor *to = ((Descriptor *const *)elements)[i];
            if (!alive.count(to)) return refuse("attribute %d is a descriptor that is gone", name);
            if (!to->final && to->kind != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR) {
                return refuse("attribute %d is a descriptor that is not finalized", name);
            }
        }
    }
    const uint8_t *bytes = (const uint8_t *)elements;
    d->attributes[name] = {type, std::vector<uint8_t>(bytes, bytes + n * size_of(type))};
    return CUDNN_STATUS_SUCCESS;
}

/* Three engines are proposed: one that adds in no fixed order, one that does not work here, and a good one. */
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, int64_t requested, int64_t *n, void *elements) {
    Descriptor *d = (Descriptor *)descriptor;
    if (!alive.count(d)) return refuse("attribute %d of a descriptor that is gone", name);
    Descriptor **descriptors = (Descriptor **)elements;
    switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS:
        *n = 3;
        for (int i = 0; i < *n && i < requested; i++) {
            descriptors[i]->proposal = i;
            descriptors[i]->attributes[CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH] =
                d->attributes[CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH];
        }
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_ENGINE:
        *n = 1;
        descriptors[0]->proposal = d->proposal;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
        *n = d->proposal == 0 ? 1 : 0;
        if (*n) *(int32_t *)elements = CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
        *n = 1;
        *(int64_t *)elements = 4096;
        return CUDNN_STATUS_SUCCESS;
    default: return refuse("attribute %d is not to be had", name);
    }
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t variant_pack) {
    Descriptor *p = (Descriptor *)plan, *v = (Descriptor *)variant_pack;
    if (!alive.count(handle) || !alive.count(p) || !alive.count(v) || !p->final || !v->final) {
        return refuse("run of something that is not finalized or gone");
    }
    void *workspace = value<void *>(v, CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    if (!workspace) return refuse("no workspace");
    memset(workspace, 0xcd, 4096);
    Run run;
    size_t n = count(v, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    if (n != count(v, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS)) return refuse("as many numbers as addresses");
    for (size_t i = 0; i < n; i++) {
        char *address = value<char *>(v, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, i);
        if (!address) return refuse("a null address");
        run.pack[value<int64_t>(v, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i)] = address;
    }
    const Descriptor *graph =
        link(link(p, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG), CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    for (size_t i = 0; i < count(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS); i++) {
        const Descriptor *o = value<const Descriptor *>(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, i);
        bool good = false;
        switch (o->kind) {
        case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: good = run.pointwise(o); break;
        case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR: good = run.matmul(o); break;
        case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR: good = run.reduction(o); break;
        case CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR: good = run.reshape(o); break;
        default: refuse("operation %d", o->kind);
        }
        if (!good) return CUDNN_STATUS_BAD_PARAM;
    }
    return CUDNN_STATUS_SUCCESS;
}
}

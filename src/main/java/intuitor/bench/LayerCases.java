package intuitor.bench;

import static intuitor.device.DType.F32;

import intuitor.bench.KernelCase.Trial;
import intuitor.device.DType;
import intuitor.device.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** What a decoder layer does between its matrix products, and the embedding. */
final class LayerCases {

    private static final double EPS = 1e-6;

    private final BenchShape s;
    private final DType storage;
    private final int t;
    private final List<KernelCase> cases = new ArrayList<>();

    private LayerCases(BenchShape shape, DType storage) {
        this.s = shape;
        this.storage = storage;
        this.t = s.tokens();
    }

    static List<KernelCase> of(BenchShape shape, DType storage) {
        LayerCases all = new LayerCases(shape, storage);
        all.rmsNorm();
        all.qkv();
        all.swiglu();
        all.embedding();
        return all.cases;
    }

    /** @param flops of an element */
    private void add(String name, int width, double bytes, double flops, Function<Inputs, Trial> setUp) {
        cases.add(KernelCase.moving(name, KernelCase.shape(t, width), storage, bytes, flops * t * width, setUp));
    }

    private void rmsNorm() {
        int h = s.hidden();
        double row = (double) t * h * storage.bytes();
        add("rms_norm_forward, residual", h, 4 * row, 5, in -> {
            Tensor x = in.gaussian(storage, t, h);
            Tensor delta = in.gaussian(storage, t, h);
            Tensor sum = in.empty(storage, t, h);
            Tensor out = in.empty(storage, t, h);
            Tensor weight = in.gaussian(storage, h);
            Tensor rstd = in.empty(F32, t);
            Runnable run = () -> in.device().kernels().rmsNormForward(out, rstd, sum, x, delta, weight, EPS);
            return Trial.of(run, () -> {
                LayerReference reference = new LayerReference(in);
                return Math.max(reference.sum(sum, x, delta), reference.rmsNorm(out, sum, weight, EPS));
            });
        });
        add("rms_norm_backward", h, 4 * row, 8, in -> {
            Tensor x = in.gaussian(storage, t, h);
            Tensor dout = in.gaussian(storage, t, h);
            Tensor dx = in.zeros(storage, t, h);
            Tensor weight = in.gaussian(storage, h);
            Tensor dweight = in.zeros(F32, h);
            Tensor rstd = in.empty(F32, t);
            in.device().kernels().rmsNormForward(in.empty(storage, t, h), rstd, null, x, null, weight, EPS);
            Runnable run = () -> in.device().kernels().rmsNormBackward(dx, dweight, dout, x, weight, rstd);
            return Trial.of(run, () -> new LayerReference(in).rmsNormBackward(dx, dweight, dout, x, weight, rstd));
        });
    }

    private void qkv() {
        int hq = s.heads();
        int hkv = s.kvHeads();
        int d = s.headDim();
        int width = (hq + 2 * hkv) * d;
        double bytes = 2.0 * t * width * storage.bytes();
        add("qkv_forward, bias, RoPE", width, bytes, 4, in -> {
            Tensor qkv = in.gaussian(storage, t, width);
            Tensor bias = in.gaussian(storage, width);
            Tensor rope = in.rope(s.sequence(), d);
            Tensor positions = in.indices(t, s.sequence());
            Runnable run = () -> in.device().kernels().qkvForward(qkv, qkv, bias, null, null, EPS, rope, positions, hq,
                    hkv, d);
            return new Trial(run, () -> new LayerReference(in).qkv(run, qkv, bias, rope, positions, hq + hkv, d));
        });
        add("qkv_backward, bias, RoPE", width, bytes, 4, in -> {
            Tensor dqkv = in.gaussian(storage, t, width);
            Tensor dbias = in.zeros(F32, width);
            Tensor rope = in.rope(s.sequence(), d);
            Tensor positions = in.indices(t, s.sequence());
            Runnable run = () -> in.device().kernels().qkvBackward(dqkv, dbias, null, null, null, null, null, EPS, rope,
                    positions, hq, hkv, d);
            return new Trial(run,
                    () -> new LayerReference(in).qkvBackward(run, dqkv, dbias, rope, positions, hq + hkv, d));
        });
    }

    private void swiglu() {
        int f = s.feedForward();
        double part = (double) t * f * storage.bytes();
        add("swiglu_forward", f, 3 * part, 5, in -> {
            Tensor gateUp = in.gaussian(storage, t, 2 * f);
            Tensor out = in.empty(storage, t, f);
            Runnable run = () -> in.device().kernels().swigluForward(out, gateUp);
            return Trial.of(run, () -> new LayerReference(in).swiglu(out, gateUp));
        });
        add("swiglu_backward", f, 6 * part, 12, in -> {
            Tensor gateUp = in.gaussian(storage, t, 2 * f);
            Tensor dout = in.gaussian(storage, t, f);
            Tensor out = in.empty(storage, t, f);
            Runnable run = () -> in.device().kernels().swigluBackward(gateUp, out, dout);
            return new Trial(run, () -> new LayerReference(in).swigluBackward(run, gateUp, out, dout));
        });
    }

    private void embedding() {
        int h = s.hidden();
        double row = (double) t * h * storage.bytes();
        add("embedding_forward", h, 2 * row, 0, in -> {
            Tensor table = in.gaussian(storage, s.vocab(), h);
            Tensor ids = in.indices(t, s.vocab());
            Tensor out = in.empty(storage, t, h);
            Runnable run = () -> in.device().kernels().embeddingForward(out, table, ids);
            return Trial.of(run, () -> new LayerReference(in).embedding(out, table, ids));
        });
        add("embedding_backward", h, row + 2.0 * t * h * F32.bytes(), 1, in -> {
            Tensor dtable = in.zeros(F32, s.vocab(), h);
            Tensor ids = in.indices(t, s.vocab());
            Tensor dout = in.gaussian(storage, t, h);
            Runnable run = () -> in.device().kernels().embeddingBackward(dtable, dout, ids);
            return Trial.of(run, () -> new LayerReference(in).embeddingBackward(dtable, dout, ids));
        });
    }
}

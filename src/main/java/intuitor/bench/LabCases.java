package intuitor.bench;

import static intuitor.device.DType.BF16;
import static intuitor.device.DType.F32;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.KernelLab;
import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import java.util.ArrayList;
import java.util.List;

/**
 * The steps of {@code kernels/lab}: those of the self-certainty reduction beside the fastest read of the logits, those
 * of the fused LM head beside the library's product of the same operands, those of attention's forward pass beside a
 * product with as many operations as the causal triangle has.
 */
final class LabCases {

    private LabCases() {
    }

    static List<KernelCase> of(Device device, BenchShape shape, DType storage) {
        List<KernelCase> cases = new ArrayList<>(reductions(device, shape, storage));
        cases.addAll(heads(device, shape));
        cases.addAll(attentions(device, shape, storage));
        return cases;
    }

    private static List<KernelCase> reductions(Device device, BenchShape shape, DType storage) {
        int n = shape.scored();
        int v = shape.vocab();
        double bytes = (double) n * v * storage.bytes();
        return KernelLab.reductions(device).stream().map(step -> KernelCase.reading("self-certainty, " + step.name(),
                KernelCases.shape(n, v), storage, bytes, in -> {
                    Tensor logits = in.gaussian(storage, n, v);
                    Tensor targets = in.indices(n, v);
                    VocabStats out = new VocabStats(in.empty(F32, n), in.empty(F32, n), in.empty(F32, n),
                            in.empty(F32, n), null);
                    return () -> step.run(out, logits, targets);
                })).toList();
    }

    /** In bf16, whatever the others are measured in. */
    private static List<KernelCase> heads(Device device, BenchShape shape) {
        int n = shape.scored();
        int h = shape.hidden();
        int v = shape.vocab();
        double bytes = ((double) n * h + (double) v * h) * BF16.bytes();
        return KernelLab.heads(device).stream().map(step -> new KernelCase("LM head, " + step.name(),
                KernelCases.shape(n, h, v), BF16, bytes, 2.0 * n * h * v, in -> {
                    Tensor hidden = in.gaussian(BF16, n, h);
                    Tensor weight = in.gaussian(BF16, v, h);
                    Tensor targets = in.indices(n, v);
                    VocabStats out = KernelCases.stats(in, n);
                    return () -> step.run(out, hidden, weight, targets);
                }, Ceilings.gemm(BF16, BF16, n, v, h))).toList();
    }

    private static List<KernelCase> attentions(Device device, BenchShape shape, DType storage) {
        AttentionCases cases = new AttentionCases(shape, storage);
        return KernelLab.attentions(device).stream().map(step -> cases.forward("attention, " + step.name(),
                in -> (out, lse, qkv, segments) -> step.run(out, lse, qkv, segments, shape.heads(), shape.kvHeads(),
                        shape.headDim()))).toList();
    }
}

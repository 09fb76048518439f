package intuitor.bench;

import static intuitor.device.DType.BF16;
import static intuitor.device.DType.F32;

import intuitor.bench.KernelCase.Trial;
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
 * product with as many operations as the causal triangle has. A step that does not take the shape is left out.
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
                KernelCase.shape(n, v), storage, bytes, VocabularyCases.REDUCING * n * v, in -> {
                    Tensor logits = in.gaussian(storage, n, v);
                    Tensor targets = in.indices(n, v);
                    VocabStats out = new VocabStats(in.empty(F32, n), in.empty(F32, n), in.empty(F32, n),
                            in.empty(F32, n), null);
                    Runnable run = () -> step.run(out, logits, targets);
                    return Trial.of(run, () -> new VocabularyErrors(in).reduction(out, logits, targets));
                })).toList();
    }

    /** In bf16, whatever the others are measured in. */
    private static List<KernelCase> heads(Device device, BenchShape shape) {
        int n = shape.scored();
        int h = shape.hidden();
        int v = shape.vocab();
        double bytes = ((double) n * h + (double) v * h) * BF16.bytes();
        return KernelLab.heads(device).stream().map(step -> KernelCase.multiplying("LM head, " + step.name(), BF16,
                bytes, n, v, h, in -> {
                    Tensor hidden = in.gaussian(BF16, n, h);
                    Tensor weight = in.gaussian(BF16, v, h);
                    Tensor targets = in.indices(n, v);
                    VocabStats out = VocabularyCases.stats(in, n);
                    Runnable run = () -> step.run(out, hidden, weight, targets);
                    return Trial.of(run, () -> new VocabularyErrors(in).head(out, hidden, weight, targets));
                }, BF16)).toList();
    }

    private static List<KernelCase> attentions(Device device, BenchShape shape, DType storage) {
        AttentionCases cases = new AttentionCases(shape, storage);
        return KernelLab.attentions(device).stream().filter(step -> step.takes(storage, shape.headDim()))
                .map(step -> cases.forward("attention, " + step.name(), in -> (out, lse, qkv, segments) -> step.run(
                        out, lse, qkv, segments, shape.heads(), shape.kvHeads(), shape.headDim()))).toList();
    }
}

package intuitor.bench;

import static intuitor.device.DType.F32;

import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.KernelLab;
import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import java.util.List;

/** The steps of {@code kernels/lab}, with the floor of each: that of the best of them. */
final class LabCases {

    private LabCases() {
    }

    static List<KernelCase> of(Device device, BenchShape shape, DType storage) {
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
}

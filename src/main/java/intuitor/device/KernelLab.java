package intuitor.device;

import intuitor.UserError;
import intuitor.device.lab.it_lab;
import intuitor.device.lab.it_lab_reduction;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The steps of {@code kernels/lab}, from the plainest kernel to the engine's own. The engine calls none of them: they
 * are there to be read, checked and timed.
 */
public final class KernelLab {

    /**
     * A step of the ladder of the self-certainty reduction.
     *
     * @param name by which steps are sorted
     * @param idea what is new in it
     */
    public record Reduction(String name, String idea, NativeApi api, MemorySegment function) {

        /**
         * logsumexp, log-probability, entropy and self-certainty of rows of logits, at temperature 1.
         *
         * @param out     fp32 [N] each; all but {@code argmax} are needed
         * @param logits  [N,V], F32 or BF16
         * @param targets int32 [N]
         */
        public void run(VocabStats out, Tensor logits, Tensor targets) {
            api.check(it_lab_reduction.run.invoke(function, out.lse().address(), out.logprob().address(),
                    out.entropy().address(), out.selfCertainty().address(), logits.address(), targets.address(),
                    logits.dim(0), logits.dim(1), logits.dtype().code(), 0));
        }
    }

    private KernelLab() {
    }

    /** The steps of the self-certainty reduction on this device, in order. */
    public static List<Reduction> reductions(Device device) {
        NativeLibrary library = switch (device.info().kind()) {
            case "cuda" -> NativeLibrary.CUDA;
            case "emu" -> NativeLibrary.EMULATION;
            default -> throw new UserError("the lab's kernels are CUDA kernels, and the device is "
                    + device.info().kind() + "; give --device cuda on a machine with an NVIDIA GPU");
        };
        MemorySegment lab = NativeLibraries.lab(library);
        long count = it_lab.reduction_count(lab);
        MemorySegment steps = it_lab.reductions(lab).reinterpret(count * it_lab_reduction.sizeof());
        List<Reduction> all = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            MemorySegment step = it_lab_reduction.asSlice(steps, i);
            all.add(new Reduction(text(it_lab_reduction.name(step)), text(it_lab_reduction.idea(step)), device.api(),
                    it_lab_reduction.run(step)));
        }
        return all;
    }

    private static String text(MemorySegment address) {
        return address.reinterpret(Long.MAX_VALUE).getString(0);
    }
}

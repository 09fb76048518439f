package intuitor.device;

import intuitor.UserError;
import intuitor.device.lab.it_lab;
import intuitor.device.lab.it_lab_attention;
import intuitor.device.lab.it_lab_head;
import intuitor.device.lab.it_lab_reduction;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Function;
import java.util.stream.LongStream;

/**
 * The steps of {@code kernels/lab}, ladders from the plainest kernel to the best. The engine calls none of them: they
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

    /**
     * A step of the ladder of the fused LM head.
     *
     * @param name by which steps are sorted
     * @param idea what is new in it
     */
    public record Head(String name, String idea, NativeApi api, MemorySegment function) {

        /**
         * Everything that {@link Kernels#vocabReduce} gives for the logits hidden weight^T, at temperature 1.
         *
         * @param out     [N] each, all of them
         * @param hidden  BF16 [N,H], H a multiple of 8
         * @param weight  BF16 [V,H]
         * @param targets int32 [N]
         */
        public void run(VocabStats out, Tensor hidden, Tensor weight, Tensor targets) {
            api.check(it_lab_head.run.invoke(function, out.lse().address(), out.logprob().address(),
                    out.entropy().address(), out.selfCertainty().address(), out.argmax().address(), hidden.address(),
                    weight.address(), targets.address(), hidden.dim(0), hidden.dim(1), weight.dim(0), 0));
        }
    }

    /**
     * A step of the ladder of attention's forward pass.
     *
     * @param name by which steps are sorted
     * @param idea what is new in it
     */
    public record Attention(String name, String idea, NativeApi api, MemorySegment function, MemorySegment limits) {

        /** Whether it computes heads of this size in this storage type. */
        public boolean takes(DType storage, int headDim) {
            return it_lab_attention.takes.invoke(limits, headDim, storage.code()) != 0;
        }

        /**
         * What {@link Kernels#attentionForward} computes, of what it {@link #takes}.
         *
         * @param out [T, heads headDim], F32 or BF16
         * @param lse fp32 [T, heads], optional
         * @param qkv [T, (heads + 2 kvHeads) headDim]
         */
        public void run(Tensor out, Tensor lse, Tensor qkv, Segments segments, int heads, int kvHeads, int headDim) {
            long stride = (heads + 2L * kvHeads) * headDim;
            long k = qkv.address() + (long) heads * headDim * qkv.dtype().bytes();
            long v = k + (long) kvHeads * headDim * qkv.dtype().bytes();
            api.check(it_lab_attention.run.invoke(function, out.address(), lse == null ? 0 : lse.address(),
                    qkv.address(), stride, k, v, stride, segments.segments().address(), segments.count(),
                    segments.maxQ(), segments.maxK(), out.dim(0), heads, kvHeads, headDim, out.dtype().code(), 0));
        }
    }

    private KernelLab() {
    }

    /** The steps of the self-certainty reduction on this device, in order. */
    public static List<Reduction> reductions(Device device) {
        MemorySegment lab = lab(device);
        return steps(it_lab.reductions(lab), it_lab.reduction_count(lab), it_lab_reduction.sizeof(),
                step -> new Reduction(text(it_lab_reduction.name(step)), text(it_lab_reduction.idea(step)),
                        device.api(), it_lab_reduction.run(step)));
    }

    /** The steps of the fused LM head that this device can run, in order. */
    public static List<Head> heads(Device device) {
        MemorySegment lab = lab(device);
        return steps(it_lab.heads(lab), it_lab.head_count(lab), it_lab_head.sizeof(),
                step -> new Head(text(it_lab_head.name(step)), text(it_lab_head.idea(step)),
                        device.api(), it_lab_head.run(step)));
    }

    /** The steps of attention's forward pass that this device can run, in order. */
    public static List<Attention> attentions(Device device) {
        MemorySegment lab = lab(device);
        return steps(it_lab.attentions(lab), it_lab.attention_count(lab), it_lab_attention.sizeof(),
                step -> new Attention(text(it_lab_attention.name(step)), text(it_lab_attention.idea(step)),
                        device.api(), it_lab_attention.run(step), it_lab_attention.takes(step)));
    }

    private static <S> List<S> steps(MemorySegment first, long count, long size, Function<MemorySegment, S> step) {
        MemorySegment all = first.reinterpret(count * size);
        return LongStream.range(0, count).mapToObj(i -> step.apply(all.asSlice(i * size, size))).toList();
    }

    private static MemorySegment lab(Device device) {
        return NativeLibraries.lab(switch (device.info().kind()) {
            case "cuda" -> NativeLibrary.CUDA;
            case "emu" -> NativeLibrary.EMULATION;
            default -> throw new UserError("the lab's kernels are CUDA kernels, and the device is "
                    + device.info().kind() + "; give --device cuda on a machine with an NVIDIA GPU");
        });
    }

    private static String text(MemorySegment address) {
        return address.reinterpret(Long.MAX_VALUE).getString(0);
    }
}

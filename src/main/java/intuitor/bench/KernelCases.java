package intuitor.bench;

import intuitor.device.DType;
import java.util.ArrayList;
import java.util.List;

/** Every kernel of the engine at the sizes of one model, with the floor of each. */
final class KernelCases {

    private KernelCases() { }

    /**
     * @param cudnn  with cuDNN's attention too, beside this program's own
     * @param packed the types in which the device's library packs weights
     * @param fused  with the fused LM head, too
     */
    static List<KernelCase> of(BenchShape shape, DType storage, boolean cudnn, List<DType> packed, boolean fused) {
        List<KernelCase> all = new ArrayList<>(VocabularyCases.of(shape, storage));
        all.addAll(HeadCases.of(shape, storage, packed));
        AttentionCases attention = new AttentionCases(shape, storage);
        all.addAll(attention.both("", in -> in.device().nativeAttention()));
        if (cudnn) {
            all.addAll(attention.both(", cuDNN", in -> in.device().attention()));
        }
        all.addAll(DecodeCases.of(shape, storage));
        all.addAll(LayerCases.of(shape, storage));
        all.addAll(OptimiserCases.of(shape, storage));
        if (fused) { // the last: should it hang where it never ran, the others are measured
            all.addAll(HeadCases.fused(shape, storage));
        }
        return all;
    }
}

package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Blas;
import intuitor.device.DType;
import intuitor.device.PackedMatrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The weight matrices in the order that the matrix library reads fastest when a product has few rows: what decoding
 * multiplies by, token after token.
 */
public final class PackedWeights {

    /** Of one layer; nulls stand for the weights themselves. */
    record Layer(PackedMatrix qkvProj, PackedMatrix outputProj, PackedMatrix gateUpProj, PackedMatrix downProj) {

        static final Layer NONE = new Layer(null, null, null, null);
    }

    private final List<Layer> layers = new ArrayList<>();
    private final PackedMatrix lmHead;

    /**
     * A copy of the weights as they are now; it takes as much memory as the matrices do, in the arena, unless the
     * library prefers them as they are.
     *
     * @param type of the matrices' elements: that of the weights, or bf16 where {@link Blas#packsInBf16}
     */
    public PackedWeights(Arena arena, ParameterSet parameters, DType type) {
        Blas blas = arena.device().blas();
        for (int i = 0; i < parameters.config().layers(); i++) {
            LayerParameters p = parameters.layer(i);
            layers.add(new Layer(blas.pack(arena, p.qkvProj(), true, type),
                    blas.pack(arena, p.outputProj(), true, type), blas.pack(arena, p.gateUpProj(), true, type),
                    blas.pack(arena, p.downProj(), true, type)));
        }
        lmHead = blas.pack(arena, parameters.lmHead(), true, type);
    }

    /** @param matrices by the names of their specs; the head by {@link ParameterLayout#LM_HEAD}, tied or not */
    PackedWeights(ModelConfig config, Map<String, PackedMatrix> matrices) {
        for (int i = 0; i < config.layers(); i++) {
            layers.add(new Layer(matrices.get(ParameterLayout.qkvWeight(i)),
                    matrices.get(ParameterLayout.outputWeight(i)),
                    matrices.get(ParameterLayout.gateUpWeight(i)), matrices.get(ParameterLayout.downWeight(i))));
        }
        lmHead = matrices.get(ParameterLayout.LM_HEAD);
    }

    Layer layer(int i) {
        return layers.get(i);
    }

    PackedMatrix lmHead() {
        return lmHead;
    }
}

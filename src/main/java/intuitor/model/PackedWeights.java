package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.Blas;
import intuitor.device.PackedMatrix;
import java.util.ArrayList;
import java.util.List;

/**
 * The weight matrices once more, in the order that the matrix library reads fastest when a product has few rows: what
 * decoding multiplies by, token after token. A copy of the weights as they are when it is made; it takes as much memory
 * as the matrices do, in the arena, unless the library prefers them as they are.
 */
public final class PackedWeights {

    /** Of one layer; nulls stand for the weights themselves. */
    record Layer(PackedMatrix qkvProj, PackedMatrix outputProj, PackedMatrix gateUpProj, PackedMatrix downProj) {

        static final Layer NONE = new Layer(null, null, null, null);
    }

    private final List<Layer> layers = new ArrayList<>();
    private final PackedMatrix lmHead;

    public PackedWeights(Arena arena, ParameterSet parameters) {
        Blas blas = arena.device().blas();
        for (int i = 0; i < parameters.config().layers(); i++) {
            LayerParameters p = parameters.layer(i);
            layers.add(new Layer(blas.pack(arena, p.qkvProj(), true), blas.pack(arena, p.outputProj(), true),
                    blas.pack(arena, p.gateUpProj(), true), blas.pack(arena, p.downProj(), true)));
        }
        lmHead = blas.pack(arena, parameters.lmHead(), true);
    }

    Layer layer(int i) {
        return layers.get(i);
    }

    PackedMatrix lmHead() {
        return lmHead;
    }
}

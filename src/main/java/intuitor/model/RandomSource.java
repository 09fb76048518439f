package intuitor.model;

import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.ParameterSpec.Kind;
import java.util.Random;

/**
 * A random start in fp32: matrices and the embedding normal with a standard deviation, biases 0, norms 1. The same seed
 * gives the same bits everywhere.
 */
final class RandomSource implements ParameterSource {

    /** Elements written at once: arrays that do not outgrow a small heap. */
    private static final int CHUNK = 1 << 16;

    private final Device device;
    private final Random random; // its algorithm is part of Java's specification
    private final double std;

    RandomSource(Device device, long seed, double std) {
        this.device = device;
        this.random = new Random(seed);
        this.std = std;
    }

    @Override
    public void fill(ParameterSpec spec, Tensor parameter) {
        Tensor all = parameter.view(spec.size());
        for (long from = 0; from < spec.size(); from += CHUNK) {
            float[] values = new float[(int) Math.min(CHUNK, spec.size() - from)];
            for (int i = 0; i < values.length; i++) {
                values[i] = spec.kind() == Kind.MATRIX ? (float) (std * random.nextGaussian())
                        : spec.kind() == Kind.NORM ? 1 : 0;
            }
            device.upload(all.rows(from, values.length), values);
        }
    }
}

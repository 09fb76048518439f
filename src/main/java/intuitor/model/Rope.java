package intuitor.model;

import intuitor.UserError;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;

/**
 * The table of rotary position embeddings: cosines and sines of position times frequency, fp32 [positions, 2, D/2],
 * with frequency_i = theta^(-2i/D), rescaled where the model says so. Computed in fp64. It grows with the longest
 * sequence seen, because a model may allow a hundred thousand positions of which a run uses a few hundred; tables
 * already given out stay valid until it is closed (all of them together take less than twice the memory of the
 * largest).
 */
final class Rope implements AutoCloseable {

    private static final int SMALLEST = 256;

    private final Device device;
    private final ModelConfig config;
    private final Arena arena;
    private Tensor table;

    Rope(Device device, ModelConfig config) {
        this.device = device;
        this.config = config;
        this.arena = device.arena("rope");
    }

    /**
     * The table, with at least this many positions.
     *
     * @throws UserError if the model has no such positions
     */
    Tensor table(int positions) {
        if (positions > config.maxPositions()) {
            throw new UserError("a sequence of " + positions + " tokens is longer than the model's "
                    + config.maxPositions() + " positions (max_position_embeddings)");
        }
        if (table == null || table.dim(0) < positions) {
            int size = Math.max(SMALLEST, Integer.highestOneBit(positions - 1) * 2);
            table = compute(Math.min(size, config.maxPositions()));
        }
        return table;
    }

    private Tensor compute(int positions) {
        int half = config.headDim() / 2;
        float[] values = new float[positions * 2 * half];
        for (int i = 0; i < half; i++) {
            double frequency = Math.pow(config.ropeTheta(), -2.0 * i / config.headDim());
            if (config.ropeScaling().isPresent()) {
                frequency = config.ropeScaling().get().scale(frequency);
            }
            for (int t = 0; t < positions; t++) {
                values[2 * t * half + i] = (float) Math.cos(t * frequency);
                values[(2 * t + 1) * half + i] = (float) Math.sin(t * frequency);
            }
        }
        Tensor result = arena.allocate("rope", DType.F32, positions, 2, half);
        device.upload(result, values);
        return result;
    }

    @Override
    public void close() {
        arena.close();
    }
}

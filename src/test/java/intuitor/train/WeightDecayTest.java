package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.TestDevices;
import intuitor.model.ModelConfig;
import intuitor.model.ParameterSet;
import intuitor.model.ParameterSpec;
import intuitor.optim.AdamW;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class WeightDecayTest {

    private static final double RATE = 0.5;
    private static final double DECAY = 0.25;

    /** Without a gradient AdamW moves what decays, by 1 - rate * decay, and nothing else. */
    @Test
    void actsOnMatricesOnly() {
        ModelConfig config = TinyBase.config(0);
        try (Device device = TestDevices.open(1); Arena arena = device.arena("test")) {
            ParameterSet parameters = new ParameterSet(arena, config, DType.F32, "parameters");
            float[] ones = new float[(int) parameters.flat().size()];
            Arrays.fill(ones, 1);
            device.upload(parameters.flat(), ones);
            ParameterSet gradients = parameters.gradients(arena);
            gradients.zero();
            AdamW optimizer = new AdamW(arena, parameters.flat(), WeightDecay.ranges(config),
                    new AdamW.Settings(0.9, 0.999, 1e-8, DECAY));
            optimizer.step(gradients.flat(), RATE, 1);
            float[] after = new float[ones.length];
            device.download(after, parameters.flat());
            for (ParameterSpec spec : ParameterSet.specs(config)) {
                float expected = spec.kind() == ParameterSpec.Kind.MATRIX ? (float) (1 - RATE * DECAY) : 1;
                for (long i = spec.offset(); i < spec.offset() + spec.size(); i++) {
                    assertEquals(expected, after[(int) i], 1e-6f, spec.name());
                }
            }
        }
    }

    /** The embedding and four matrices a layer; the head is tied. */
    @Test
    void rangesAreAscendingAndApart() {
        ModelConfig config = TinyBase.config(0);
        List<AdamW.Range> ranges = WeightDecay.ranges(config);
        assertEquals(1 + 4 * config.layers(), ranges.size());
        for (int i = 1; i < ranges.size(); i++) {
            assertTrue(ranges.get(i).from() >= ranges.get(i - 1).from() + ranges.get(i - 1).size());
        }
    }
}

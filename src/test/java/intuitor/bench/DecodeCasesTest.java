package intuitor.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.bench.KernelCase.Trial;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.TestDevices;
import org.junit.jupiter.api.Test;

class DecodeCasesTest {

    /** A benchmark makes more calls than a run has steps: the last ones must not find that all have ended. */
    @Test
    void everyCallIsAStep() {
        KernelCase advance = DecodeCases.of(BenchShape.tiny(), DType.F32).stream()
                .filter(c -> c.kernel().equals("decode_advance")).findFirst().orElseThrow();
        try (Device device = TestDevices.open(1); Arena arena = device.arena("bench")) {
            Trial trial = advance.setUp().apply(new Inputs(arena));
            for (int call = 0; call < 3; call++) {
                assertEquals(0, trial.error().getAsDouble());
                for (int i = 0; i < 2999; i++) {
                    trial.run().run();
                }
            }
        }
    }
}

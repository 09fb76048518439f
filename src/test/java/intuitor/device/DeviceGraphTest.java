package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Work that is recorded and queued again. */
class DeviceGraphTest {

    private static final int ROWS = 5;
    private static final int WIDTH = 16;

    private Device device;
    private Arena arena;

    @BeforeEach
    void open() {
        device = TestDevices.recording(true);
        arena = device.arena("graph test");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private float[] get(Tensor t) {
        float[] values = new float[(int) t.size()];
        device.download(values, t);
        return values;
    }

    private static float[] random(long seed, int n) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /**
     * Kernels with and without memory of their own, copies, zeros and products see what there is when it is launched.
     */
    @Test
    void theWorkIsDoneWheneverItIsLaunchedAndNotBefore() {
        Tensor x = arena.upload("x", random(1, ROWS * WIDTH), ROWS, WIDTH);
        Tensor weight = arena.upload("weight", random(2, WIDTH * WIDTH), WIDTH, WIDTH);
        Tensor index = arena.upload("index", new int[] {4, 2, 0, 1, 3});
        Tensor gathered = arena.zeros("gathered", DType.F32, ROWS, WIDTH);
        Tensor product = arena.zeros("product", DType.F32, ROWS, WIDTH);
        Tensor entropy = arena.zeros("entropy", DType.F32, ROWS);
        Tensor copy = arena.zeros("copy", DType.F32, ROWS);
        Tensor tiled = arena.zeros("entropy by tiles", DType.F32, ROWS);
        Tensor state = Kernels.vocabState(arena, ROWS);
        Tensor nothing = arena.upload("nothing", random(3, WIDTH));
        Runnable work = () -> {
            device.kernels().gatherRows(gathered, x, index);
            device.blas().gemm(product, gathered, false, weight, true, false);
            device.kernels().vocabReduce(new VocabStats(null, null, entropy, null, null), product, null, 1, 1);
            device.kernels().vocabAccumulate(state, product, 0, null, 1, 1);
            device.kernels().vocabFinish(new VocabStats(null, null, tiled, null, null), state, 1, 1, WIDTH);
            device.copy(copy, entropy);
            device.zero(nothing);
        };
        Supplier<float[][]> results =
                () -> new float[][] {get(gathered), get(product), get(copy), get(tiled), get(nothing)};
        try (DeviceGraph graph = device.record(work)) {
            for (float[] untouched : new float[][] {get(gathered), get(product), get(copy), get(tiled)}) {
                assertArrayEquals(new float[untouched.length], untouched, "nothing is done yet");
            }
            for (int seed = 4; seed < 7; seed++) {
                device.upload(x, random(seed, ROWS * WIDTH));
                device.upload(nothing, random(seed, WIDTH));
                graph.launch();
                float[][] recorded = results.get();
                work.run();
                float[][] direct = results.get();
                for (int i = 0; i < direct.length; i++) {
                    assertArrayEquals(direct[i], recorded[i]);
                }
                assertArrayEquals(recorded[2], recorded[3]);
                assertArrayEquals(new float[WIDTH], recorded[4]);
                assertTrue(recorded[2][0] != 0);
            }
        }
    }

    @Test
    void whatNeedsTheHostIsRefusedAndNothingIsLeftRecording() {
        Tensor x = arena.upload("x", random(1, 8));
        assertMessage("a copy between host and device cannot be recorded in a graph",
                () -> device.record(() -> get(x)));
        assertMessage("a copy between host and device cannot be recorded in a graph",
                () -> device.record(() -> device.upload(x, new float[8])));
        assertMessage("waiting cannot be recorded in a graph", () -> device.record(device::synchronize));
        assertMessage("a recording cannot be recorded in a graph",
                () -> device.record(() -> device.record(() -> { }).close()));
        assertArrayEquals(random(1, 8), get(x));
        device.zero(x);
        assertArrayEquals(new float[8], get(x), "work is done again");
        device.record(() -> { }).close();
    }

    /** What went wrong is said even where the recording cannot be ended after it. */
    @Test
    void theFirstFailureIsTheOneThatIsTold() {
        IllegalStateException failure = assertThrows(IllegalStateException.class,
                () -> DeviceGraph.record(device.api(), () -> {
                    device.api().dropGraph();
                    throw new IllegalStateException("the work's own");
                }));
        assertEquals("the work's own", failure.getMessage());
        assertEquals(1, failure.getSuppressed().length);
    }

    private static void assertMessage(String expected, Runnable work) {
        assertEquals(expected, assertThrows(IllegalStateException.class, work::run).getMessage());
    }

    @Test
    void theCpuHasNone() {
        try (Device cpu = Device.open("cpu", 1)) {
            assertFalse(cpu.usesGraphs());
            assertTrue(assertThrows(IllegalArgumentException.class, () -> cpu.record(() -> { })).getMessage()
                    .contains("a CPU has no graphs"));
        }
        assertTrue(assertThrows(UserError.class,
                () -> Device.open("cpu", 1, null, PackedAttention.Library.NATIVE, true)).getMessage()
                .contains("cuda_graphs: needs an NVIDIA GPU"));
    }
}

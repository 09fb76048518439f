package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import intuitor.UserError;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the graphs made for cuDNN compute, run operation by operation by a stand-in: {@code src/test/native/cudnn.cpp}.
 * Whether an engine of the real cuDNN takes them is for a machine with a GPU.
 */
class CudnnAttentionTest {

    /** bf16 has 8 bits; the gradient passes through three tensors of it. */
    private static final double TOLERANCE = 1e-2;
    private static final float UNTOUCHED = 77;

    private static SymbolLookup standIn;
    private Device device;
    private Arena arena;

    @BeforeAll
    static void load() {
        Path library = StandIn.cudnn().resolve("libcudnn.so.9");
        assertEquals(library, CudaLibraries.load(CudaLibrary.CUDNN, library.getParent()), "another one is loaded");
        standIn = SymbolLookup.libraryLookup(library, java.lang.foreign.Arena.global());
    }

    @BeforeEach
    void open() {
        device = Device.open("cpu", 1);
        arena = device.arena("test");
    }

    @AfterEach
    void close() throws Throwable {
        device.close();
        long alive = (long) Linker.nativeLinker().downcallHandle(standIn.find("fake_alive").orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_LONG)).invokeExact();
        assertEquals(0, alive, "everything that was created is destroyed");
    }

    /** Lengths of the sequences, heads, key-value heads and head size. */
    @ParameterizedTest
    @ValueSource(strings = {"1 2 2 8", "7 2 2 8", "3,1,9,2 4 2 8", "5,17,16 6 1 16", "2,3 8 4 32"})
    void attentionAndItsGradient(String batch) {
        String[] fields = batch.split(" ");
        int[] lengths = Arrays.stream(fields[0].split(",")).mapToInt(Integer::parseInt).toArray();
        int heads = Integer.parseInt(fields[1]);
        int kvHeads = Integer.parseInt(fields[2]);
        int headDim = Integer.parseInt(fields[3]);
        int[] starts = new int[lengths.length + 1];
        for (int i = 0; i < lengths.length; i++) {
            starts[i + 1] = starts[i] + lengths[i];
        }
        int tokens = starts[lengths.length];
        int width = (heads + 2 * kvHeads) * headDim;
        Random random = new Random(batch.hashCode());
        float[] qkv = GemmOracle.gaussian(random, tokens * width, DType.BF16);
        float[] dout = GemmOracle.gaussian(random, tokens * heads * headDim, DType.BF16);

        // one row more than the batch has, which nothing may touch
        Tensor out = filled(DType.BF16, tokens + 1, heads * headDim);
        Tensor lse = filled(DType.F32, tokens + 1, heads);
        Tensor dqkv = filled(DType.BF16, tokens + 1, width);
        Tensor input = GemmOracle.put(arena, DType.BF16, qkv, 0, tokens, width);
        int longest = Arrays.stream(lengths).max().orElseThrow();
        Segments batchOf = new Segments(null, null, lengths.length, lengths.length, longest, longest, starts);
        try (var attention = new CudnnAttention(device.arena("attention"), device.kernels())) {
            attention.forward(out, lse, input, batchOf, heads, kvHeads, headDim, arena);
            Tensor gradient = GemmOracle.put(arena, DType.BF16, dout, 0, tokens, heads * headDim);
            attention.backward(dqkv, gradient, input, out, lse, batchOf, heads, kvHeads, headDim, arena);
            Tensor again = filled(DType.BF16, tokens + 1, heads * headDim);
            attention.forward(again, null, input, batchOf, heads, kvHeads, headDim, arena);
            assertArrayEquals(GemmOracle.get(out), GemmOracle.get(again), "without logsumexp");
        }

        int[][] segments = new int[lengths.length][];
        for (int i = 0; i < lengths.length; i++) {
            segments[i] = new int[] {starts[i], lengths[i], 0, 0, starts[i], lengths[i]};
        }
        var oracle = new AttentionOracle(heads, kvHeads, headDim, segments);
        double[] wide = KernelRun.widen(qkv);
        AttentionOracle.Result expected = oracle.forward(wide);
        assertClose("out", expected.out(), GemmOracle.get(out));
        assertClose("lse", expected.lse(), GemmOracle.get(lse));
        assertClose("dqkv", oracle.backward(KernelRun.widen(dout), wide).d(), GemmOracle.get(dqkv));
    }

    @Test
    void fp32IsRefused() {
        Segments one = new Segments(null, null, 1, 1, 2, 2, new int[] {0, 2});
        Tensor qkv = arena.zeros("qkv", DType.F32, 2, 24);
        Tensor out = arena.zeros("out", DType.F32, 2, 8);
        try (var attention = new CudnnAttention(device.arena("attention"), device.kernels())) {
            UserError said = assertThrows(UserError.class,
                    () -> attention.forward(out, null, qkv, one, 1, 1, 8, arena));
            assertEquals("attention: cudnn computes in bfloat16, not in float32; give dtype bfloat16, or attention "
                    + "native", said.getMessage());
        }
    }

    @Test
    void theCpuIsRefused() {
        UserError said = assertThrows(UserError.class,
                () -> Device.open("cpu", 1, null, PackedAttention.Library.CUDNN));
        assertEquals("attention: cudnn needs an NVIDIA GPU; give attention native", said.getMessage());
    }

    private Tensor filled(DType type, int rows, int columns) {
        float[] values = new float[rows * columns];
        Arrays.fill(values, UNTOUCHED);
        return GemmOracle.put(arena, type, values, 0, rows, columns);
    }

    /** Close to what is expected of each, and beyond that untouched. */
    private static void assertClose(String what, double[] expected, float[] actual) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], TOLERANCE * largest, what + ", element " + i);
        }
        float[] rest = Arrays.copyOfRange(actual, expected.length, actual.length);
        float[] untouched = new float[rest.length];
        Arrays.fill(untouched, UNTOUCHED);
        assertArrayEquals(untouched, rest, what + ", beyond the batch");
    }
}

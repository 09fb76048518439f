package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The calls of cuBLASLt, made of a stand-in that multiplies host memory and refuses what the library would refuse:
 * {@code src/test/native/cublaslt.cpp}. Whether the real one computes the same is for a machine with a GPU.
 */
class CublasLtTest {

    /** What the stand-in counts, by its numbers. */
    private enum Count { ALIVE, HEURISTICS, PRODUCTS, COMPUTE_TYPE, SCHEME, ALIGNMENT, STREAM }

    private static final int COMPUTE_32F = 68;
    private static final int COMPUTE_32F_PEDANTIC = 69;

    private static SymbolLookup standIn;
    private Device device;

    @BeforeAll
    static void load() {
        Path library = StandIn.cublasLt();
        assertEquals(library, CudaLibraries.load(CudaLibrary.CUBLASLT, library.getParent()), "another one is loaded");
        standIn = SymbolLookup.libraryLookup(library, java.lang.foreign.Arena.global());
    }

    @BeforeEach
    void open() {
        device = new Device(Backend.open("cpu", 1, null).api(), CublasLt::new,
                arena -> new NativeAttention(arena.device().kernels()));
    }

    @AfterEach
    void close() {
        device.close();
        assertEquals(0, count(Count.ALIVE), "everything that was created is destroyed");
    }

    @AfterAll
    static void obeyAgain() {
        obeySchemeMask(true);
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "1,64,32", "7,5,3", "16,17,33", "128,96,64", "65,1,130", "1,1,257", "200,8,1", "3,4,0"})
    void multipliesWithEveryTransposition(int m, int n, int k) {
        for (int offset : new int[] {0, 3}) {
            GemmOracle.check(device.blas(), device, m, n, k, DType.F32, DType.F32, offset);
            GemmOracle.check(device.blas(), device, m, n, k, DType.BF16, DType.F32, offset);
            GemmOracle.check(device.blas(), device, m, n, k, DType.BF16, DType.BF16, offset);
        }
    }

    @Test
    void floatsAreNeverRoundedForTensorCores() {
        product(DType.F32, 8, 8, 8, 0);
        assertEquals(COMPUTE_32F_PEDANTIC, count(Count.COMPUTE_TYPE));
        product(DType.BF16, 8, 8, 8, 0);
        assertEquals(COMPUTE_32F, count(Count.COMPUTE_TYPE));
    }

    @Test
    void theHeuristicIsAskedOncePerKindOfProduct() {
        product(DType.F32, 24, 8, 16, 0);
        long asked = count(Count.HEURISTICS);
        product(DType.F32, 24, 8, 16, 0);
        assertEquals(asked, count(Count.HEURISTICS), "the same again");
        product(DType.BF16, 24, 8, 16, 0);
        product(DType.F32, 8, 24, 16, 0);
        product(DType.F32, 24, 8, 16, 1);
        assertEquals(asked + 3, count(Count.HEURISTICS), "another type, shape and alignment");
    }

    /** Where the driver puts a block must not decide which algorithm is taken. */
    @Test
    void noMoreAlignmentIsPromisedThanEveryRunHas() {
        product(DType.F32, 4, 4, 4, 0);
        assertEquals(64, count(Count.ALIGNMENT));
        product(DType.F32, 4, 4, 4, 1);
        assertEquals(4, count(Count.ALIGNMENT));
        product(DType.BF16, 4, 4, 4, 1);
        assertEquals(2, count(Count.ALIGNMENT));
    }

    /** Long sums may be split, if the parts are added in order; even where the library ignores the mask. */
    @Test
    void partsOfASumAreAddedInOrder() {
        final int none = 0;
        final int computeType = 2;
        product(DType.F32, 4, 4, 400, 0);
        assertEquals(computeType, count(Count.SCHEME));
        product(DType.F32, 40, 40, 4, 0);
        assertEquals(none, count(Count.SCHEME));
        obeySchemeMask(false);
        product(DType.F32, 4, 4, 404, 0);
        assertEquals(computeType, count(Count.SCHEME));
        product(DType.F32, 44, 40, 4, 0);
        assertEquals(none, count(Count.SCHEME));
        obeySchemeMask(true);
    }

    @Test
    void allIsQueuedOnTheDevicesStream() {
        product(DType.F32, 4, 4, 4, 0);
        assertEquals(device.api().stream(), count(Count.STREAM));
    }

    @Test
    void productsOfManyShapesAreForgottenInTurn() {
        try (Arena arena = device.arena("test")) {
            Tensor ones = arena.zeros("operand", DType.F32, 1100);
            for (int k = 1; k <= 1100; k++) {
                Tensor c = arena.allocate("c", DType.F32, 1, 1);
                device.blas().gemm(c, ones.slice(0, 1, k), false, ones.slice(0, 1, k), true, false);
            }
        }
        assertTrue(count(Count.ALIVE) < 4 * 1024 + 10, count(Count.ALIVE) + " objects of the library");
    }

    @Test
    void weightsArePackedByLeavingThemAlone() {
        try (Arena arena = device.arena("test")) {
            Tensor b = arena.upload("b", new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
            PackedMatrix packed = device.blas().pack(arena, b, true);
            Tensor c = arena.allocate("c", DType.F32, 1, 3);
            device.blas().gemm(c, arena.upload("a", new float[] {10, 1}, 1, 2), packed);
            assertEquals(12, GemmOracle.get(c)[0]);
            assertEquals(34, GemmOracle.get(c)[1]);
            assertEquals(56, GemmOracle.get(c)[2]);
        }
    }

    @Test
    void shapesAreCheckedBeforeTheLibrarySeesThem() {
        try (Arena arena = device.arena("test")) {
            Tensor c = arena.zeros("c", DType.F32, 2, 4);
            Tensor b = arena.zeros("b", DType.F32, 4, 3);
            assertThrows(IllegalArgumentException.class,
                    () -> device.blas().gemm(c, arena.zeros("a", DType.F32, 2, 3), false, b, false, false));
        }
    }

    /** A product of operands that begin {@code offset} elements after a 64-byte boundary. */
    private void product(DType type, int m, int n, int k, int offset) {
        try (Arena arena = device.arena("test")) {
            Tensor a = arena.zeros("a", type, offset + (long) m * k).slice(offset, m, k);
            Tensor b = arena.zeros("b", type, offset + (long) k * n).slice(offset, k, n);
            device.blas().gemm(arena.zeros("c", DType.F32, m, n), a, false, b, false, false);
        }
    }

    private static long count(Count what) {
        try {
            return (long) Linker.nativeLinker().downcallHandle(standIn.find("fake_count").orElseThrow(),
                    FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT)).invokeExact(what.ordinal());
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static void obeySchemeMask(boolean obey) {
        try {
            MemorySegment function = standIn.find("fake_obey_scheme_mask").orElseThrow();
            Linker.nativeLinker().downcallHandle(function, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT))
                    .invokeExact(obey ? 1 : 0);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}

package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who owns device memory, how long it lives, and what happens to those who forget. */
class ArenaTest {

    private Device device;
    private Arena arena;

    @BeforeEach
    void open() {
        device = TestDevices.open(1);
        arena = device.arena("weights");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private float[] floats(Tensor t) {
        float[] values = new float[(int) t.size()];
        device.download(values, t);
        return values;
    }

    private static void assertIllegalState(String message, Runnable action) {
        assertEquals(message, assertThrows(IllegalStateException.class, action::run).getMessage());
    }

    @Test
    void tensorsBeginAtCacheLines() {
        for (int n : new int[] {0, 1, 15, 16, 17, 1000}) {
            assertEquals(0, arena.allocate("t", DType.F32, n).address() % 64);
        }
    }

    @Test
    void newMemoryReadsAsNaN() {
        for (int round = 0; round < 2; round++) {
            try (Arena scope = arena.scope("scope")) {
                Tensor t = scope.allocate("t", DType.F32, 3, 5);
                for (float value : floats(t)) {
                    assertTrue(Float.isNaN(value));
                }
                device.upload(t, new float[15]);
            }
        }
    }

    @Test
    void zerosAndUploads() {
        assertArrayEquals(new float[6], floats(arena.zeros("z", DType.F32, 2, 3)));
        Tensor t = arena.upload("t", new float[] {1, 2, 3, 4}, 2, 2);
        assertArrayEquals(new long[] {2, 2}, t.shape());
        assertArrayEquals(new float[] {1, 2, 3, 4}, floats(t));
        int[] ints = new int[3];
        device.download(ints, arena.upload("i", new int[] {7, 8, 9}));
        assertArrayEquals(new int[] {7, 8, 9}, ints);
        assertEquals(DType.I64, arena.upload("l", new long[] {1L << 40}).dtype());
    }

    @Test
    void aScopeGivesItsMemoryBack() {
        Tensor kept = arena.upload("kept", new float[] {5});
        long used = arena.usedBytes();
        long address;
        try (Arena scope = arena.scope("first")) {
            address = scope.allocate("t", DType.F32, 1000).address();
            try (Arena inner = scope.scope("inner")) {
                inner.allocate("u", DType.F32, 1000);
            }
        }
        assertEquals(used, arena.usedBytes());
        assertEquals(used + 2 * 4032, arena.peakBytes());
        try (Arena scope = arena.scope("second")) {
            assertEquals(address, scope.allocate("t", DType.F32, 1000).address());
        }
        assertArrayEquals(new float[] {5}, floats(kept));
    }

    /** What took several blocks in the first round lies in one, without gaps, from the second on. */
    @Test
    void blocksGrowTogether() {
        for (int round = 0; round < 4; round++) {
            try (Arena scope = arena.scope("step")) {
                Tensor[] t = new Tensor[40];
                for (int i = 0; i < t.length; i++) {
                    t[i] = scope.allocate("t", DType.F32, 100_000); // 400,000 bytes, a multiple of 64
                }
                for (int i = 1; i < t.length && round > 0; i++) {
                    assertEquals(t[i - 1].address() + 400_000, t[i].address(), "round " + round + ", tensor " + i);
                }
            }
        }
        assertEquals(40 * 400_000, arena.peakBytes());
    }

    @Test
    void whatIsExpectedLiesInOneBlock() {
        try (Arena arena = device.arena("expecting")) {
            arena.expect(8 << 20);
            Tensor small = arena.allocate("small", DType.F32, 1 << 10);
            Tensor large = arena.allocate("large", DType.F32, 1 << 20);
            assertEquals(small.address() + (4 << 10), large.address());
        }
    }

    @Test
    void useAfterTheScopeIsClosed() {
        Tensor t;
        try (Arena scope = arena.scope("step")) {
            t = scope.zeros("activations", DType.F32, 2, 2);
        }
        Tensor part = t.rows(0, 1);
        assertIllegalState("activations F32[2, 2] is used after its arena 'step' was closed", () -> device.zero(t));
        assertIllegalState("activations F32[1, 2] is used after its arena 'step' was closed",
                () -> device.download(new float[2], part));
        assertIllegalState("activations F32[2, 2] is used after its arena 'step' was closed",
                () -> device.kernels().rmsNormForward(t, null, null, t, null, arena.zeros("w", DType.F32, 2), 1e-6));
    }

    @Test
    void useAfterTheArenaOrTheDeviceIsClosed() {
        Tensor t = arena.zeros("t", DType.F32, 4);
        arena.close();
        arena.close();
        assertIllegalState("t F32[4] is used after its arena 'weights' was closed", () -> device.zero(t));
        assertIllegalState("arena 'weights' is closed: cannot allocate u", () -> arena.zeros("u", DType.F32, 1));
        assertIllegalState("arena 'weights' is closed: cannot open s", () -> arena.scope("s"));
        Arena other = device.arena("other");
        Tensor u = other.zeros("u", DType.F32, 4);
        device.close();
        assertIllegalState("u F32[4] is used after its arena 'other' was closed", () -> device.zero(u));
        assertIllegalState("the device is closed: cannot make arena 'late'", () -> device.arena("late"));
    }

    @Test
    void onlyTheInnermostScopeAllocates() {
        Arena scope = arena.scope("outer");
        Arena inner = scope.scope("inner");
        assertIllegalState("arena 'weights' has an open scope 'outer': only the innermost scope allocates (t)",
                () -> arena.allocate("t", DType.F32, 1));
        assertIllegalState("arena 'outer' has an open scope 'inner': cannot open second", () -> scope.scope("second"));
        Tensor t = inner.zeros("t", DType.F32, 1);
        scope.close(); // and with it the inner one
        assertIllegalState("t F32[1] is used after its arena 'inner' was closed", () -> device.zero(t));
        arena.zeros("u", DType.F32, 1);
    }

    @Test
    void anotherThread() {
        Tensor t = arena.zeros("t", DType.F32, 1);
        var e = assertThrows(CompletionException.class, () -> CompletableFuture.runAsync(() -> device.zero(t)).join());
        assertTrue(e.getCause().getMessage().startsWith("the device was opened by thread '"), e.getMessage());
    }

    @Test
    void notEnoughMemory() {
        arena.zeros("t", DType.F32, 1 << 20);
        var e = assertThrows(UserError.class, () -> arena.allocate("logits", DType.F32, 1L << 50));
        assertTrue(e.getMessage().startsWith("out of memory: 4194304.00 GiB more for arena 'weights' (logits), "
                + "0.0"), e.getMessage());
        assertThrows(ArithmeticException.class, () -> arena.allocate("t", DType.F32, 1L << 40, 1L << 40));
        assertThrows(IllegalArgumentException.class, () -> arena.allocate("t", DType.F32, -1));
        arena.zeros("u", DType.F32, 10);
    }

    @Test
    void slicesShareTheStorage() {
        Tensor t = arena.upload("t", new float[] {0, 1, 2, 3, 4, 5}, 3, 2);
        assertArrayEquals(new float[] {2, 3}, floats(t.rows(1, 1)));
        assertArrayEquals(new float[] {1, 2, 3, 4}, floats(t.slice(1, 2, 2)));
        assertArrayEquals(new long[] {6}, t.view(6).shape());
        device.upload(t.rows(2, 1), new float[] {8, 9});
        assertArrayEquals(new float[] {0, 1, 2, 3, 8, 9}, floats(t));
        assertEquals("t F32[3, 2]", t.toString());
        assertEquals(24, t.bytes());
        assertNotEquals(t.address(), t.rows(1, 0).address());
        assertThrows(IllegalArgumentException.class, () -> t.rows(2, 2));
        assertThrows(IllegalArgumentException.class, () -> t.rows(-1, 2));
        assertThrows(IllegalArgumentException.class, () -> t.view(7));
        assertThrows(IllegalArgumentException.class, () -> t.slice(3, 2, 2));
    }

    /** A cache may be planned to fill most of a GPU: what blocks lose at their ends must be little. */
    @Test
    void littleIsLostAtTheEndsOfBlocks() {
        for (int kib : new int[] {700, 1100, 3000, 5000}) {
            try (Arena many = device.arena("many")) {
                for (int i = 0; i < 72; i++) {
                    many.allocate("t" + i, DType.F32, 256L * kib);
                }
                assertTrue(many.heldBytes() <= 1.02 * many.usedBytes(), many.heldBytes() + " for " + many.usedBytes());
            }
        }
    }

    /** An announcement that what is there suffices for must not make a later block larger. */
    @Test
    void whatIsExpectedAgainTakesNothing() {
        for (int round = 0; round < 3; round++) {
            try (Arena scope = arena.scope("round")) {
                scope.expect(10 << 20);
                scope.allocate("t", DType.F32, 2560 << 10);
            }
        }
        try (Arena scope = arena.scope("larger")) {
            scope.allocate("t", DType.F32, 2560 << 10);
            scope.allocate("more", DType.F32, 256 << 10);
            assertTrue(arena.heldBytes() <= 12 << 20, arena.heldBytes() + " held");
        }
    }
}

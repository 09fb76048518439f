package intuitor.device;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/**
 * How long a thread of libgomp turns in a loop before it sleeps, when it waits for the others at the end of a kernel.
 *
 * <p>libgomp's own 300,000 turns are milliseconds. On a machine that does anything else as well, a thread then burns
 * the very time slice that the one it waits for needs: with two other busy processes on two cores a step of the demo
 * took 2.8 s instead of 0.42 s; with 3,000 turns 1.0 s. Alone on the machine it takes as long either way
 * (docs/benchmarks.md).
 */
final class OpenMpWaiting {

    private static final String NAME = "GOMP_SPINCOUNT";
    private static final String TURNS = "3000";

    private OpenMpWaiting() { }

    /** To be called before libgomp is loaded: it reads its environment once. What the user has set stays. */
    static void settle() {
        if (System.getenv(NAME) != null || System.getenv("OMP_WAIT_POLICY") != null) {
            return;
        }
        Linker linker = Linker.nativeLinker();
        try (Arena arena = Arena.ofConfined()) {
            int failed = (int) linker.downcallHandle(linker.defaultLookup().find("setenv").orElseThrow(),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS,
                            ValueLayout.JAVA_INT))
                    .invokeExact(arena.allocateFrom(NAME), arena.allocateFrom(TURNS), 1);
            if (failed != 0) {
                throw new IllegalStateException("setenv " + NAME);
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}

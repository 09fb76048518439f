package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class OpenMpWaitingTest {

    /** What libgomp finds when it is loaded; java.lang.System has a copy of the environment from before. */
    @Test
    void threadsWaitForAShortTimeUnlessTheUserSaysHow() throws Throwable {
        try (Device device = Device.open("cpu", 1)) {
            String user = System.getenv("GOMP_SPINCOUNT");
            String expected = System.getenv("OMP_WAIT_POLICY") == null && user == null ? "3000" : user;
            assertEquals(Optional.ofNullable(expected), environment("GOMP_SPINCOUNT"), device.info().kind());
        }
    }

    private static Optional<String> environment(String name) throws Throwable {
        Linker linker = Linker.nativeLinker();
        try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
            MemorySegment value = (MemorySegment) linker.downcallHandle(
                    linker.defaultLookup().find("getenv").orElseThrow(),
                    FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS))
                    .invokeExact(arena.allocateFrom(name));
            return value.address() == 0 ? Optional.empty()
                    : Optional.of(value.reinterpret(Long.MAX_VALUE).getString(0));
        }
    }
}

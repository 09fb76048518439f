package intuitor.device;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** How many threads libgomp offers the calling thread: oneDNN plans a primitive for as many when it makes it. */
final class OpenMpThreads {

    private static final MethodHandle SET = Linker.nativeLinker().downcallHandle(
            SymbolLookup.loaderLookup().find("omp_set_num_threads").orElseThrow(),
            FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));

    private OpenMpThreads() { }

    /** To be called when libgomp is loaded. */
    static void set(int threads) {
        try {
            SET.invokeExact(threads);
        } catch (Throwable e) {
            throw new IllegalStateException("omp_set_num_threads", e);
        }
    }
}

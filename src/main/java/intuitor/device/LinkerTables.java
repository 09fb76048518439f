package intuitor.device;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tables at the beginning of a shared library, symbols with their names and relocations. The dynamic linker reads
 * all of them while it loads the library (14 MiB of oneDNN) and little of them later.
 */
final class LinkerTables {

    /** Linux's MADV_DONTNEED: pages of a file that nobody wrote to are read again when they are needed. */
    private static final int DONTNEED = 4;
    /** The read-only mapping of a file's beginning: first and last address, then the path. */
    private static final Pattern MAPPING = Pattern.compile("(\\p{XDigit}+)-(\\p{XDigit}+) r--p 0+ \\S+ \\d+ +(/.*)");

    private LinkerTables() {
    }

    /** Takes a loaded library's tables out of this process's memory; where the system has no way to, they stay. */
    static void release(Path library) {
        try {
            Optional<MemorySegment> madvise = Linker.nativeLinker().defaultLookup().find("madvise");
            if (madvise.isEmpty()) {
                return;
            }
            MethodHandle call = Linker.nativeLinker().downcallHandle(madvise.get(), FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
            String path = library.toRealPath().toString();
            for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
                Matcher m = MAPPING.matcher(line);
                if (m.matches() && m.group(3).equals(path)) {
                    long from = Long.parseUnsignedLong(m.group(1), 16);
                    int ignored = (int) call.invokeExact(from, Long.parseUnsignedLong(m.group(2), 16) - from, DONTNEED);
                }
            }
        } catch (IOException e) {
            // no /proc: nothing is lost but memory
        } catch (Throwable e) {
            throw new IllegalStateException("madvise", e);
        }
    }
}

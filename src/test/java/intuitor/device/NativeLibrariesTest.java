package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {

    @Test
    void whatThereIs() {
        List<NativeLibraries.Description> all = NativeLibraries.describe();
        for (String name : List.of("libintuitor_cpu.so", "libdnnl.so.3", "libgomp.so.1")) {
            var description = all.stream().filter(d -> d.name().equals(name)).findFirst().orElseThrow();
            assertTrue(Files.isRegularFile(description.path().orElseThrow()), name);
        }
        assertTrue(all.stream().anyMatch(d -> d.detail().matches("3\\.\\d+\\.\\d+")), "oneDNN's version in " + all);
        assertTrue(all.stream().anyMatch(d -> d.name().equals("libintuitor_cuda.so")), "CUDA, there or not");
    }

    /** The CPU kernels and oneDNN share one OpenMP runtime, hence one pool of threads. */
    @Test
    void oneOpenMp() throws IOException {
        try (Device device = Device.open("cpu", 2); Arena arena = device.arena("test")) {
            Tensor t = arena.zeros("t", DType.F32, 64, 64);
            device.blas().gemm(arena.zeros("c", DType.F32, 64, 64), t, false, t, true, false);
            try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
                List<String> runtimes = maps.map(line -> line.replaceAll(".* ", ""))
                        .filter(path -> path.matches(".*/lib(gomp|iomp5|omp)[^/]*")).distinct().toList();
                assertEquals(1, runtimes.size(), runtimes::toString);
            }
        }
    }

    /** The symbols and relocations of a loaded library leave memory, and it works as before. */
    @Test
    void whatOnlyTheLinkerReadsIsGivenBack() throws IOException {
        try (Device device = Device.open("cpu", 2); Arena arena = device.arena("test")) {
            Path library = NativeFiles.find(NativeLibrary.ONEDNN).orElseThrow();
            LinkerTables.release(library);
            long[] kib = new long[2]; // size and resident part of the file's first mapping
            List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
            for (int i = 0; i < lines.size(); i++) {
                if (lines.get(i).matches("\\S+ r--p 0+ .*" + library.getFileName())) {
                    lines.subList(i, i + 8).forEach(line -> {
                        kib[0] += line.startsWith("Size:") ? Long.parseLong(line.replaceAll("\\D", "")) : 0;
                        kib[1] += line.startsWith("Rss:") ? Long.parseLong(line.replaceAll("\\D", "")) : 0;
                    });
                }
            }
            assertTrue(kib[0] > 1024 && kib[1] < 1024, kib[1] + " KiB of " + kib[0]);
            Tensor one = arena.upload("one", new float[] {2}, 1, 1);
            Tensor product = arena.allocate("product", DType.F32, 1, 1);
            device.blas().gemm(product, one, false, one, true, false);
            float[] value = new float[1];
            device.download(value, product);
            assertEquals(4, value[0]);
        }
    }

    @Test
    void aJarsLibraryIsUnpackedOnceAndRepaired(@TempDir Path cache) throws IOException {
        String before = System.getProperty("intuitor.cache.dir");
        System.setProperty("intuitor.cache.dir", cache.toString());
        try {
            Path file = NativeFiles.find(NativeLibrary.OPENMP).orElseThrow();
            assertTrue(file.startsWith(cache), "unpacked to " + file);
            byte[] contents = Files.readAllBytes(file);
            var time = Files.getLastModifiedTime(file);
            assertEquals(file, NativeFiles.find(NativeLibrary.OPENMP).orElseThrow());
            assertEquals(time, Files.getLastModifiedTime(file), "left alone");
            Files.write(file, new byte[100]); // as after a full disk
            NativeFiles.find(NativeLibrary.OPENMP);
            assertEquals(contents.length, Files.size(file));
            try (Stream<Path> files = Files.walk(cache)) {
                assertEquals(1, files.filter(Files::isRegularFile).count(), "nothing else is left there");
            }
        } finally {
            if (before == null) {
                System.clearProperty("intuitor.cache.dir");
            } else {
                System.setProperty("intuitor.cache.dir", before);
            }
        }
    }
}

package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Builds the stand-ins for NVIDIA's libraries out of {@code src/test/native}, with g++, which the build needs anyway.
 */
final class StandIn {

    private static boolean cudnnIsBuilt;
    private static boolean cublasLtIsBuilt;

    private StandIn() {
    }

    /** Folder of the stand-in for cuDNN. */
    static synchronized Path cudnn() {
        Path library = Path.of("target/stand-ins/libcudnn.so.9").toAbsolutePath();
        if (!cudnnIsBuilt) {
            build("cudnn.cpp", library.getFileName().toString());
            cudnnIsBuilt = true;
        }
        return library.getParent();
    }

    /** The stand-in for cuBLASLt; built once, so that all who load it have the same one. */
    static synchronized Path cublasLt() {
        Path library = Path.of("target/stand-ins/libcublasLt.so.13").toAbsolutePath();
        if (!cublasLtIsBuilt) {
            build("cublaslt.cpp", library.getFileName().toString());
            cublasLtIsBuilt = true;
        }
        return library;
    }

    /**
     * Compiles a source into {@code target/stand-ins}, which is then a folder of libraries.
     *
     * @param source file name in {@code src/test/native}
     * @param name   file name of the library
     * @return the library
     */
    private static Path build(String source, String name) {
        if (!Files.exists(Path.of("src/test/native", source))) {
            throw TestDevices.skip("tests with a stand-in for one of NVIDIA's libraries",
                    "src/test/native is not in this folder: they run in the project's");
        }
        try {
            Path folder = Files.createDirectories(Path.of("target/stand-ins").toAbsolutePath());
            Path library = folder.resolve(name);
            Process compiler = new ProcessBuilder(List.of("g++", "-std=c++20", "-O1", "-g", "-Wall", "-Wextra",
                    "-Wno-missing-field-initializers", "-Werror", "-shared", "-fPIC", "-Inative/include/cuda",
                    "-Inative/emulation",
                    "-o", library + ".part", "src/test/native/" + source)).redirectErrorStream(true).start();
            String said = new String(compiler.getInputStream().readAllBytes());
            assertEquals(0, compiler.waitFor(), said);
            Files.move(Path.of(library + ".part"), library, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            return library;
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}

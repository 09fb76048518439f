package intuitor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.UserError;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where NVIDIA's libraries are looked for, in a file system of empty files. */
class CudaSearchTest {

    @TempDir
    Path root;

    private final Map<String, String> environment = new HashMap<>();

    @Test
    void nothingIsThere() {
        assertEquals(Optional.empty(), search(null).find(CudaLibrary.CUBLASLT));
        assertEquals(Optional.empty(), search(null).find(CudaLibrary.CUDNN));
    }

    @Test
    void theFolderGivenComesFirst() throws IOException {
        Path given = library("given/libcublasLt.so.12").getParent();
        environment.put("INTUITOR_CUDA_LIBRARIES", library("variable/libcublasLt.so.13").getParent().toString());
        environment.put("CUDA_HOME", library("toolkit/lib64/libcublasLt.so.13").getParent().getParent().toString());
        assertFound("given/libcublasLt.so.12", "--cuda-libraries", search(given));
        assertFound("variable/libcublasLt.so.13", "INTUITOR_CUDA_LIBRARIES", search(null));
        environment.remove("INTUITOR_CUDA_LIBRARIES");
        assertFound("toolkit/lib64/libcublasLt.so.13", "CUDA_HOME", search(null));
    }

    @Test
    void theFolderGivenMayBeAToolkit() throws IOException {
        library("toolkit/targets/x86_64-linux/lib/libcublasLt.so.13");
        assertFound("toolkit/targets/x86_64-linux/lib/libcublasLt.so.13", "--cuda-libraries",
                search(root.resolve("toolkit")));
    }

    /** One library may lie in the folder given and the other elsewhere. */
    @Test
    void whatTheFolderGivenLacksIsSearchedForOn() throws IOException {
        Path given = library("given/libcublasLt.so.13").getParent();
        library("usr/lib/x86_64-linux-gnu/libcudnn.so.9");
        var cudnn = search(given).find(CudaLibrary.CUDNN).orElseThrow();
        assertEquals(root.resolve("usr/lib/x86_64-linux-gnu/libcudnn.so.9"), cudnn.file());
        assertEquals("the system's libraries", cudnn.where());
    }

    @Test
    void aFolderGivenForNothing() throws IOException {
        Path empty = Files.createDirectories(root.resolve("empty"));
        assertEquals("--cuda-libraries: there is no folder " + root.resolve("none"),
                assertThrows(UserError.class, () -> search(root.resolve("none"))).getMessage());
        assertEquals("--cuda-libraries: " + empty
                        + " has neither libcublasLt.so.13 or libcublasLt.so.12 nor libcudnn.so.9",
                assertThrows(UserError.class, () -> search(empty)).getMessage());
        environment.put("INTUITOR_CUDA_LIBRARIES", empty.toString());
        String message = assertThrows(UserError.class, () -> search(null)).getMessage();
        assertTrue(message.startsWith("INTUITOR_CUDA_LIBRARIES: "), message);
    }

    @Test
    void theNewerVersionOfAFolder() throws IOException {
        library("usr/local/cuda/lib64/libcublasLt.so.12");
        assertFound("usr/local/cuda/lib64/libcublasLt.so.12", "/usr/local/cuda", search(null));
        library("usr/local/cuda/lib64/libcublasLt.so.13");
        assertFound("usr/local/cuda/lib64/libcublasLt.so.13", "/usr/local/cuda", search(null));
        library("usr/local/cuda/lib64/libcublasLt.so.99");
        assertFound("usr/local/cuda/lib64/libcublasLt.so.13", "/usr/local/cuda", search(null));
    }

    @Test
    void whereTheLinkerLooks() throws IOException {
        library("usr/lib64/libcublasLt.so.13");
        assertFound("usr/lib64/libcublasLt.so.13", "the system's libraries", search(null));
        library("opt/cuda/lib/libcublasLt.so.13");
        Files.createDirectories(root.resolve("etc/ld.so.conf.d"));
        Files.writeString(root.resolve("etc/ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n");
        Files.writeString(root.resolve("etc/ld.so.conf.d/cuda.conf"),
                "# CUDA\n/opt/none # nothing\n/opt/cuda/lib\ninclude /etc/ld.so.conf\n");
        assertFound("opt/cuda/lib/libcublasLt.so.13", "ld.so.conf", search(null));
        Path path = library("mine/libcublasLt.so.12").getParent();
        environment.put("LD_LIBRARY_PATH", root.resolve("none") + ":" + path);
        assertFound("mine/libcublasLt.so.12", "LD_LIBRARY_PATH", search(null));
    }

    @Test
    void pythonPackagesOfAVirtualEnvironment() throws IOException {
        library("venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13");
        library("venv/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9");
        environment.put("VIRTUAL_ENV", root.resolve("venv").toString());
        assertFound("venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13", "NVIDIA's Python packages",
                search(null));
        assertTrue(search(null).find(CudaLibrary.CUDNN).isPresent());
    }

    /** The environment is not active; its python3 is on the path, a link to the system's. */
    @Test
    void pythonPackagesOfThePythonOnThePath() throws IOException {
        Path system = library("usr/bin/python3.11");
        assertTrue(system.toFile().setExecutable(true));
        Files.createDirectories(root.resolve("venv/bin"));
        Files.createSymbolicLink(root.resolve("venv/bin/python3"), system);
        environment.put("PATH", "relative:" + root.resolve("none") + ":" + root.resolve("venv/bin"));
        library("usr/lib/python3/dist-packages/nvidia/cublas/lib/libcublasLt.so.12");
        assertFound("usr/lib/python3/dist-packages/nvidia/cublas/lib/libcublasLt.so.12", "NVIDIA's Python packages",
                search(null));
        library("venv/lib/python3.11/site-packages/nvidia/cublas/lib/libcublasLt.so.12");
        assertFound("venv/lib/python3.11/site-packages/nvidia/cublas/lib/libcublasLt.so.12",
                "NVIDIA's Python packages", search(null));
    }

    @Test
    void pythonPackagesOfTheUser() throws IOException {
        library("home/.local/lib/python3.11/site-packages/nvidia/cublas/lib/libcublasLt.so.12");
        assertFound("home/.local/lib/python3.11/site-packages/nvidia/cublas/lib/libcublasLt.so.12",
                "NVIDIA's Python packages", search(null));
    }

    @Test
    void aFolderOfThatNameIsNoLibrary() throws IOException {
        Files.createDirectories(root.resolve("usr/local/cuda/lib64/libcublasLt.so.13"));
        assertEquals(Optional.empty(), search(null).find(CudaLibrary.CUBLASLT));
    }

    /** What cuDNN compiles kernels with: the dynamic linker finds it by name once it is loaded. */
    @Test
    void cudnnsCompilerIsThereByName() throws IOException, InterruptedException {
        List<String> names = List.of("libnvrtc.so.13", "libnvrtc-builtins.so.13.0");
        if (names.stream().anyMatch(CudaSearchTest::isFoundByName)) {
            throw TestDevices.skip("cuDNN's compiler out of a folder", "the linker finds one of its own");
        }
        environment.put("VIRTUAL_ENV", root.resolve("venv").toString());
        for (String name : names) {
            Path file = library("venv/lib/python3.12/site-packages/nvidia/cu13/lib/" + name);
            assertEquals(0, new ProcessBuilder("g++", "-shared", "-Wl,-soname," + name, "-o", file.toString(), "-x",
                    "c++", "/dev/null").inheritIO().start().waitFor());
        }
        CudaLibraries.loadCompiler(search(null));
        names.forEach(name -> assertTrue(isFoundByName(name), name));
    }

    private static boolean isFoundByName(String library) {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(library, arena);
            return true;
        } catch (IllegalArgumentException notThere) {
            return false;
        }
    }

    private CudaSearch search(Path given) {
        return new CudaSearch(root, environment, root.resolve("home"), given);
    }

    private Path library(String path) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, "");
    }

    private void assertFound(String path, String where, CudaSearch search) {
        assertEquals(new CudaSearch.Found(root.resolve(path), where), search.find(CudaLibrary.CUBLASLT).orElseThrow());
    }
}

package intuitor.device;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Looks for the files of NVIDIA's libraries, in this order:
 * <ol>
 * <li>the folder that {@code --cuda-libraries} or the variable {@code INTUITOR_CUDA_LIBRARIES} names: a folder of
 *     libraries or a whole CUDA toolkit;
 * <li>the toolkits that {@code CUDA_HOME} and {@code CUDA_PATH} name;
 * <li>where the dynamic linker looks: {@code LD_LIBRARY_PATH}, {@code /etc/ld.so.conf}, the system's own folders;
 * <li>{@code /usr/local/cuda};
 * <li>NVIDIA's Python packages, of the active environment and of the python3 on the path, which is not run.
 * </ol>
 * The first folder that has the library gives it; of several versions there the preferred one.
 */
final class CudaSearch {

    /**
     * A library's file.
     *
     * @param where why it was looked for there, such as {@code CUDA_HOME}
     */
    record Found(Path file, String where) {
    }

    private record Place(Path folder, String where) {
    }

    static final String FLAG = "--cuda-libraries";
    static final String VARIABLE = "INTUITOR_CUDA_LIBRARIES";
    private static final List<String> TOOLKIT_FOLDERS = List.of("lib64", "lib", "targets/x86_64-linux/lib");
    private static final List<String> SYSTEM_FOLDERS =
            List.of("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib", "usr/lib");

    private final Path root;
    private final Map<String, String> environment;
    private final List<Place> places = new ArrayList<>();

    /**
     * @param root        the file system's root; tests give another
     * @param environment environment variables
     * @param home        the user's home folder
     * @param given       the folder asked for, or null
     * @throws UserError if there is no such folder
     */
    CudaSearch(Path root, Map<String, String> environment, Path home, Path given) {
        this.root = root;
        this.environment = environment;
        addGiven(given, FLAG);
        addGiven(given == null ? variable(VARIABLE).map(Path::of).orElse(null) : null, VARIABLE);
        for (String name : List.of("CUDA_HOME", "CUDA_PATH")) {
            variable(name).ifPresent(folder -> addToolkit(Path.of(folder), name));
        }
        addLinkerFolders();
        addToolkit(root.resolve("usr/local/cuda"), "/usr/local/cuda");
        addPython(home);
    }

    /** On this machine. */
    static CudaSearch here(Path given) {
        return new CudaSearch(Path.of("/"), System.getenv(), Path.of(System.getProperty("user.home")), given);
    }

    Optional<Found> find(CudaLibrary library) {
        for (Place place : places) {
            for (String name : library.fileNames()) {
                Path file = place.folder().resolve(name);
                if (Files.isRegularFile(file)) {
                    return Optional.of(new Found(file.toAbsolutePath(), place.where()));
                }
            }
        }
        return Optional.empty();
    }

    private void addGiven(Path folder, String where) {
        if (folder == null) {
            return;
        }
        if (!Files.isDirectory(folder)) {
            throw new UserError(where + ": there is no folder " + folder);
        }
        addToolkit(folder, where);
        if (Stream.of(CudaLibrary.CUBLASLT, CudaLibrary.CUDNN).noneMatch(library -> find(library).isPresent())) {
            throw new UserError(where + ": " + folder + " has neither " + CudaLibrary.CUBLASLT.namesInWords() + " nor "
                    + CudaLibrary.CUDNN.namesInWords());
        }
    }

    /** A folder of libraries, or one with such folders in it. */
    private void addToolkit(Path folder, String where) {
        add(folder, where);
        TOOLKIT_FOLDERS.forEach(name -> add(folder.resolve(name), where));
    }

    private void addLinkerFolders() {
        variable("LD_LIBRARY_PATH").stream().flatMap(path -> Stream.of(path.split("[:;]"))).filter(s -> !s.isEmpty())
                .forEach(folder -> add(Path.of(folder), "LD_LIBRARY_PATH"));
        for (Path folder : configured(root.resolve("etc/ld.so.conf"), new LinkedHashSet<>())) {
            add(folder, "ld.so.conf");
        }
        SYSTEM_FOLDERS.forEach(folder -> add(root.resolve(folder), "the system's libraries"));
    }

    /** The folders that a file of ld.so.conf's form names, those of the files it includes among them. */
    private Set<Path> configured(Path file, Set<Path> read) {
        Set<Path> folders = new LinkedHashSet<>();
        if (!read.add(file) || !Files.isReadable(file)) {
            return folders;
        }
        for (String line : lines(file)) {
            String text = line.replaceAll("#.*", "").strip();
            if (text.startsWith("include ")) {
                Path pattern = Path.of(text.substring("include ".length()).strip());
                Path parent = pattern.isAbsolute() ? underRoot(pattern).getParent()
                        : file.resolveSibling(pattern).getParent();
                matching(parent, pattern.getFileName().toString())
                        .forEach(included -> folders.addAll(configured(included, read)));
            } else if (text.startsWith("/")) {
                folders.add(underRoot(Path.of(text)));
            }
        }
        return folders;
    }

    /**
     * The folders {@code nvidia/.../lib} of every Python found: {@code cublas}, {@code cudnn} in the packages for CUDA
     * 12, {@code cu13} in those for 13.
     */
    private void addPython(Path home) {
        Set<Path> prefixes = new LinkedHashSet<>();
        for (String name : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
            variable(name).map(Path::of).ifPresent(prefixes::add);
        }
        variable("CONDA_PREFIX").ifPresent(prefix -> addToolkit(Path.of(prefix), "CONDA_PREFIX"));
        python().ifPresent(python -> { // of a virtual environment it is a link; the packages may lie on either side
            prefixes.add(python.getParent().getParent());
            real(python).map(file -> file.getParent().getParent()).ifPresent(prefixes::add);
        });
        prefixes.add(home.resolve(".local"));
        prefixes.add(root.resolve("usr/local"));
        prefixes.add(root.resolve("usr"));

        List<Path> packages = new ArrayList<>();
        variable("PYTHONPATH").stream().flatMap(path -> Stream.of(path.split(":"))).filter(s -> !s.isEmpty())
                .forEach(folder -> packages.add(Path.of(folder)));
        for (Path prefix : prefixes) {
            for (Path python : matching(prefix.resolve("lib"), "python3*")) {
                packages.add(python.resolve("site-packages"));
                packages.add(python.resolve("dist-packages"));
            }
        }
        for (Path folder : packages) {
            for (Path one : matching(folder.resolve("nvidia"), "*")) {
                add(one.resolve("lib"), "NVIDIA's Python packages");
            }
        }
    }

    private Optional<Path> python() {
        return variable("PATH").stream().flatMap(path -> Stream.of(path.split(":"))).filter(s -> s.startsWith("/"))
                .map(folder -> Path.of(folder, "python3")).filter(Files::isExecutable).findFirst();
    }

    private static Optional<Path> real(Path file) {
        try {
            return Optional.of(file.toRealPath());
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    private void add(Path folder, String where) {
        places.add(new Place(folder, where));
    }

    private Path underRoot(Path absolute) {
        return root.resolve(absolute.getRoot().relativize(absolute));
    }

    private Optional<String> variable(String name) {
        return Optional.ofNullable(environment.get(name)).filter(s -> !s.isBlank());
    }

    /** What a folder holds under names of this pattern, in their order; nothing if it cannot be read. */
    static List<Path> matching(Path folder, String pattern) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, pattern)) {
            List<Path> found = new ArrayList<>();
            entries.forEach(found::add);
            return found.stream().sorted().toList();
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            return List.of();
        }
    }
}

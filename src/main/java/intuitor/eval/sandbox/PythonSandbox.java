package intuitor.eval.sandbox;

import intuitor.UserError;
import intuitor.eval.sandbox.Execution.Ending;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs Python programs that nobody has looked at, such as a model's answers, in real CPython.
 *
 * <p>A program sees a read-only system and nothing else of this machine: no network, no home, no
 * environment, no other process ({@link Bubblewrap}, {@link SystemCallFilter}); what it may use up is limited
 * ({@link Limits}). It is killed as a tree: with the process that starts it, everything in its process namespace ends,
 * also when this program itself is killed. Without the sandbox a supervising process adopts what a program leaves
 * behind, and kills it. May be used by several threads at once, each of which must outlive the call that it makes.
 */
public final class PythonSandbox implements AutoCloseable {

    private static final JsonMapper JSON = new JsonMapper();
    private static final int SIGNALLED = 128;
    private static final int SIGALRM = 14;
    private static final int SIGXCPU = 24;
    private static final int SIGPROF = 27;
    /** Before Linux 5.14 the limit counts all processes of the user, not only those of a user namespace. */
    private static final int[] OWN_COUNT_SINCE = {5, 14};
    private static final int GENEROUS_THREADS = 4096;

    /** Ending what a program without a sandbox leaves behind takes milliseconds. */
    private static final int SWEEP_SECONDS = 2;

    private final Limits limits;
    private final boolean isolated;
    private final Path python;
    private final String harness;
    private final Path folder;
    private final AtomicLong runs = new AtomicLong();

    private PythonSandbox(Limits limits, boolean isolated, Path python) {
        this.limits = limits;
        this.isolated = isolated;
        this.python = python;
        try (InputStream source = PythonSandbox.class.getResourceAsStream("harness.py")) {
            this.harness = new String(source.readAllBytes(), StandardCharsets.UTF_8);
            this.folder = Files.createTempDirectory("intuitor-sandbox");
            Files.write(filter(), SystemCallFilter.program());
        } catch (IOException e) {
            throw UserError.of("cannot prepare the sandbox", e);
        }
    }

    /** The sandbox, tried out; a {@link UserError} says what it lacks. */
    public static PythonSandbox open(Limits limits) {
        requireSupported();
        Path python = Stream.of("/usr/bin/python3", "/usr/local/bin/python3").map(Path::of).filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new UserError("programs are run in a sandbox, and there is no /usr/bin/python3 to "
                        + "run them: " + Bubblewrap.INSTALL));
        return tried(new PythonSandbox(limits, true, python));
    }

    /** Python without a sandbox: a program may do whatever this user may do. Time, memory and output are limited. */
    public static PythonSandbox openUnsafe(Limits limits) {
        Path python = Bubblewrap.onPath("python3").orElseThrow(() -> new UserError(
                "there is no python3 to run programs: apt-get install -y python3"));
        return tried(new PythonSandbox(limits, false, python));
    }

    /** Runs a program that starts a thread, as a solution may. */
    private static PythonSandbox tried(PythonSandbox sandbox) {
        try {
            Execution trial = sandbox.run(PythonJob.script(
                    "import platform, threading\nt = threading.Thread(target=print, "
                            + "args=(platform.python_version(),))\nt.start()\nt.join()", ""));
            if (trial.ending() != Ending.FINISHED || !trial.output().matches("\\d+\\.\\d+.*\\s*")) {
                String complaint = trial.error().isBlank() ? trial.ending().toString().toLowerCase(Locale.ROOT)
                        : trial.complaint();
                throw new UserError("the sandbox for programs does not work here: " + complaint
                        + UserNamespaces.remedy(complaint, Path.of("/")).map(remedy -> "; " + remedy).orElse(""));
            }
            return sandbox;
        } catch (RuntimeException e) {
            sandbox.close();
            throw e;
        }
    }

    private static void requireSupported() {
        if (!System.getProperty("os.name").equals("Linux") || !System.getProperty("os.arch").equals("amd64")) {
            throw new UserError("the sandbox for programs needs Linux on x86-64");
        }
    }

    /** What there is and whether it works, in a line, without a failure. */
    public static String status() {
        try (PythonSandbox sandbox = open(Limits.CONTEST)) {
            return "bubblewrap and CPython "
                    + sandbox.run(PythonJob.script("import platform\nprint(platform.python_version())", ""))
                    .output().strip() + ": works";
        } catch (UserError e) {
            return "MISSING (for eval's programming tasks only): " + e.getMessage();
        }
    }

    /** Whether programs are kept from this machine. */
    public boolean isolated() {
        return isolated;
    }

    public Limits limits() {
        return limits;
    }

    /** Runs a program within the sandbox's limits. */
    public Execution run(PythonJob job) {
        return run(job, limits);
    }

    /** Runs a program within other limits. */
    public Execution run(PythonJob job, Limits within) {
        String name = "run-" + runs.incrementAndGet();
        Path in = folder.resolve(name + ".in");
        Path out = folder.resolve(name + ".out");
        Path err = folder.resolve(name + ".err");
        Path scratch = isolated ? null : folder.resolve(name);
        try {
            writeInput(in, job, within);
            List<String> program = List.of("-s", "-B", "-X", "utf8", "-c", harness);
            List<String> command = new ArrayList<>();
            if (isolated) {
                command.addAll(Bubblewrap.command(filter(), python, program));
            } else {
                command.add(python.toString());
                command.addAll(program);
                Files.createDirectory(scratch);
            }
            ProcessBuilder builder = new ProcessBuilder(command).redirectInput(in.toFile()).redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            if (!isolated) {
                builder.directory(scratch.toFile());
            }
            builder.environment().clear();
            builder.environment().putAll(Map.of(
                    "PATH", "/usr/bin:/bin", "HOME", "/tmp", "LANG", "C.UTF-8", "PYTHONHASHSEED", "0",
                    "OPENBLAS_NUM_THREADS", "1", "OMP_NUM_THREADS", "1"));
            return finish(builder.start(), within, out, err);
        } catch (IOException e) {
            throw UserError.of("cannot run a program in " + folder, e);
        } finally {
            Stream.of(in, out, err).forEach(PythonSandbox::deleteQuietly);
            if (scratch != null) {
                deleteTree(scratch);
            }
        }
    }

    private void writeInput(Path file, PythonJob job, Limits within) throws IOException {
        byte[] parts = JSON.writeValueAsBytes(job.parts());
        Map<String, Object> head = new LinkedHashMap<>();
        head.put("mode", job.mode().name().toLowerCase(Locale.ROOT));
        head.put("bytes", parts.length);
        head.put("limits", rlimits(within));
        head.put("supervise", !isolated);
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(JSON.writeValueAsBytes(head));
            out.write('\n');
            out.write(parts);
            out.write(job.input().getBytes(StandardCharsets.UTF_8));
        }
    }

    private Map<String, Object> rlimits(Limits l) {
        Map<String, Object> r = new LinkedHashMap<>();
        r.put("seconds", l.seconds());
        r.put("wall_seconds", l.wallSeconds());
        r.put("CPU", (long) Math.ceil(l.seconds()) + 2);
        r.put("AS", l.memoryBytes());
        if (isolated) {
            r.put("NPROC", threadsCountedApart() ? l.threads() : GENEROUS_THREADS);
        }
        r.put("FSIZE", l.outputBytes());
        r.put("NOFILE", Limits.OPEN_FILES);
        r.put("CORE", 0);
        r.put("MEMLOCK", 0);
        r.put("MSGQUEUE", 0);
        return r;
    }

    private static boolean threadsCountedApart() {
        String[] version = System.getProperty("os.version").split("\\D+");
        int major = Integer.parseInt(version[0]);
        return major > OWN_COUNT_SINCE[0] || major == OWN_COUNT_SINCE[0]
                && Integer.parseInt(version[1]) >= OWN_COUNT_SINCE[1];
    }

    private Execution finish(Process process, Limits within, Path out, Path err) throws IOException {
        long start = System.nanoTime();
        boolean ended = false;
        try {
            ended = process.waitFor((long) (1e3 * (within.wallSeconds() + Limits.GRACE_SECONDS)),
                    TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            if (!ended) {
                kill(process);
            }
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        int status = ended ? process.exitValue() : SIGNALLED + SIGALRM;
        boolean full = Math.max(Files.size(out), Files.size(err)) >= within.outputBytes();
        Ending ending = full ? Ending.TOO_MUCH_OUTPUT : switch (status) {
            case 0 -> Ending.FINISHED;
            case SIGNALLED + SIGALRM, SIGNALLED + SIGPROF, SIGNALLED + SIGXCPU -> Ending.TIMED_OUT;
            default -> Ending.FAILED;
        };
        String error = tail(err);
        if (ending == Ending.FAILED && error.isBlank()) {
            error = status > SIGNALLED ? "ended by signal " + (status - SIGNALLED) : "ended with status " + status;
        }
        String output = ending == Ending.FINISHED ? new String(Files.readAllBytes(out), StandardCharsets.UTF_8) : "";
        return new Execution(ending, output, error, seconds);
    }

    private static String tail(Path file) throws IOException {
        try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "r")) {
            f.seek(Math.max(0, f.length() - Execution.ERROR_CHARACTERS));
            byte[] bytes = new byte[(int) (f.length() - f.getFilePointer())];
            f.readFully(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    /**
     * In the sandbox all ends with the first process; elsewhere the first process ends the rest when its child has
     * ended.
     */
    private void kill(Process process) {
        boolean interrupted = Thread.interrupted();
        try {
            if (!isolated) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.waitFor(SWEEP_SECONDS, TimeUnit.SECONDS);
                process.descendants().forEach(ProcessHandle::destroyForcibly);
            }
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private Path filter() {
        return folder.resolve("filter.bpf");
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // a file in the temporary folder more
        }
    }

    private static void deleteTree(Path root) {
        try (Stream<Path> paths = Files.walk(root)) {
            paths.sorted(Comparator.reverseOrder()).forEach(PythonSandbox::deleteQuietly);
        } catch (IOException | UncheckedIOException e) {
            // a folder in the temporary folder more
        }
    }

    /** Removes the temporary files. No call may be under way. */
    @Override
    public void close() {
        deleteTree(folder);
    }
}

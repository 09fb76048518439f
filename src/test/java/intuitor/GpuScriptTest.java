package intuitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * benchmarks/gpu/run.sh, in a bundle whose Java is a script: a step that hangs, fails or says too much costs that step
 * and nothing else.
 */
class GpuScriptTest {

    /** What brings files back from a host may bring few. */
    private static final int MOST_FILES = 8;

    @TempDir
    Path folder;
    private Path bundle;
    private Path tools;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void makeTheBundle() throws IOException {
        bundle = folder.resolve("bundle folder");
        tools = Files.createDirectories(folder.resolve("tools"));
        Path scripts = Files.createDirectories(bundle.resolve("benchmarks/gpu"));
        Files.copy(Path.of("benchmarks/gpu/run.sh"), scripts.resolve("run.sh"));
        Files.writeString(scripts.resolve("check_headers.sh"), "echo the headers agree\n");
        Files.writeString(bundle.resolve("COMMIT"), "0123456\n");
        program(tools.resolve("python3"), "exit 1\n");
    }

    @Test
    void everyStepThatCanRunIsReported() throws IOException, InterruptedException {
        java("");
        assertEquals(0, run());
        assertReported("doctor: passed", "parity fp32: passed", "parity bf16: passed", "whole models: passed",
                "bench: passed", "train: passed", "transformers oracle: not run, python3", "headers: passed",
                "bench-cudnn: passed", "whole models, cuDNN: passed",
                "parity of the fused LM head: passed", "parity of the lab: passed", "bench-lab: passed",
                "compute-sanitizer: not run, it is not installed", "| bench |", "| bench-cudnn |", "| bench-lab |");
        assertEquals(List.of("bench-cudnn.json", "bench-lab.json", "bench.json", "metrics.jsonl", "report.md",
                "steps.log"), files());
        assertTrue(files().size() + List.of("golden.json").size() <= MOST_FILES);
    }

    @Test
    void aStepThatHangsIsStoppedWithItsChildren() throws IOException, InterruptedException {
        long forever = 1_000_000_000L + ProcessHandle.current().pid(); // another test at the same time has its own
        Path hangs = folder.resolve("hangs");
        // the time is up when the step hangs, however long it took to: SIGALRM is timeout's own clock
        program(tools.resolve("timeout"), """
                limit=$3
                shift 3
                case " $* " in *F32*)
                    /usr/bin/timeout -k 1 "$limit" "$@" &
                    until [ -e '%s' ]; do sleep 0.02; done
                    kill -ALRM $!
                    wait $!
                    exit;;
                esac
                exec /usr/bin/timeout -k 1 "$limit" "$@"
                """.formatted(hangs));
        java("*F32*) echo so far; sleep %1$d & : >'%2$s'; sleep %1$d; echo woke up;;".formatted(forever, hangs));
        assertEquals(1, run());
        assertReported("parity fp32: NOT FINISHED, stopped", ": so far", "parity bf16: passed", "train: passed");
        for (int tries = 0; tries < 600 && sleeps(forever); tries++) { // a signal takes its time on a busy machine
            Thread.sleep(100);
        }
        assertFalse(sleeps(forever), "a process of the step lives on");
    }

    private static boolean sleeps(long seconds) {
        return ProcessHandle.allProcesses().flatMap(p -> p.info().arguments().stream()).flatMap(Stream::of)
                .anyMatch(argument -> argument.equals("" + seconds));
    }

    @Test
    void whatAFailedStepLeftIsKept() throws IOException, InterruptedException {
        java("*' train '*) echo '{\"step\": 1}' >\"$run/metrics.jsonl\"; echo out of luck; exit 3;;");
        assertEquals(1, run());
        assertReported("train: FAILED, status 3", ": out of luck", "bench-cudnn: passed");
        assertEquals("{\"step\": 1}\n", Files.readString(folder.resolve("out/metrics.jsonl")));
    }

    @Test
    void aStepThatSaysTooMuchIsCutInTheMiddle() throws IOException, InterruptedException {
        java("*F32*) echo the first line; yes | head -c 3000000; echo the last line;;");
        assertEquals(0, run());
        assertReported("parity fp32: passed", ": the last line");
        String log = Files.readString(folder.resolve("out/steps.log"));
        assertTrue(log.length() < 1_100_000, log.length() + " bytes");
        assertTrue(log.contains("the first line") && log.contains("the last line") && log.contains("=== train"));
    }

    @Test
    void withoutADeviceItEndsAtOnceAndSaysWhy() throws IOException, InterruptedException {
        java("*'--kernels cast'*) echo error: no CUDA device; exit 2;;");
        assertEquals(1, run());
        assertReported("the device opens: FAILED, status 2", ": error: no CUDA device");
        assertFalse(Files.readString(folder.resolve("out/report.md")).contains("parity"));
    }

    @Test
    void onlyTheStepsAskedFor() throws IOException, InterruptedException {
        java("");
        environment.put("ONLY", "^parity|lab");
        assertEquals(0, run());
        assertReported("parity fp32: passed", "parity bf16: passed", "bench-lab: passed");
        assertEquals(List.of("bench-lab.json", "report.md", "steps.log"), files());
    }

    @Test
    void whatTheTimeDoesNotAllowForIsSaid() throws IOException, InterruptedException {
        java("");
        environment.put("TOTAL", "9");
        assertEquals(1, run());
        assertReported("doctor: NOT RUN, the time is used up");
    }

    /** @param special cases of a shell's {@code case} over all arguments, before the usual ones */
    private void java(String special) throws IOException {
        program(Files.createDirectories(bundle.resolve("runtime/bin")).resolve("java"), """
                json= markdown= run=
                all=" $* "
                while [ $# -gt 0 ]; do
                    case $1 in
                    --json) json=$2;;
                    --markdown) markdown=$2;;
                    --output-dir) run=$2/run-1; mkdir -p "$run";;
                    esac
                    shift
                done
                case $all in
                """ + special + """

                *' train '*) echo '{"step": 160}' >"$run/metrics.jsonl";;
                *' bench '*) if [ -n "$json" ]; then
                        echo '{}' >"$json"
                        echo "| $(basename "$json" .json) |" >"$markdown"
                    fi;;
                esac
                """);
    }

    private static void program(Path file, String text) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + text);
        assertTrue(file.toFile().setExecutable(true));
    }

    private int run() throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("sh", bundle.resolve("benchmarks/gpu/run.sh").toString());
        builder.environment().clear();
        builder.environment().put("PATH", tools + ":/usr/bin:/bin");
        builder.environment().putAll(environment);
        builder.environment().put("OUT", folder.resolve("out").toString());
        Process process = builder.redirectErrorStream(true).redirectOutput(folder.resolve("said").toFile()).start();
        try {
            assertTrue(process.waitFor(5, TimeUnit.MINUTES));
            return process.exitValue();
        } finally {
            process.destroy();
        }
    }

    /** These are in the report in this order, and the report is the end of what the script prints. */
    private void assertReported(String... parts) throws IOException {
        String report = Files.readString(folder.resolve("out/report.md"));
        int at = 0;
        for (String part : parts) {
            int found = report.indexOf(part, at);
            assertTrue(found >= 0, "'" + part + "' in its place of\n" + report);
            at = found + part.length();
        }
        assertTrue(Files.readString(folder.resolve("said")).endsWith(report));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("out"))) {
            return files.filter(Files::isRegularFile).map(file -> folder.resolve("out").relativize(file).toString())
                    .sorted().toList();
        }
    }
}

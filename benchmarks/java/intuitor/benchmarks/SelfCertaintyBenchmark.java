package intuitor.benchmarks;

import intuitor.bench.Bench;
import intuitor.bench.VocabularyReference;
import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * The reduction of logits [256, 151936] (Qwen2.5's vocabulary) to logsumexp, log-probability, entropy and
 * self-certainty, in one pass, against the fastest read of the same bytes.
 *
 * <p>The ceiling and the reduction take turns, so that both see the same machine; the table shows medians over the
 * rounds. The result is checked against fp64 before anything is timed.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class SelfCertaintyBenchmark {

    private static final int ROWS = 256;
    private static final int VOCAB = 151936;
    private static final double LOGIT_STD = 3;
    /** Every row is a window of this many random numbers: making 39 million takes longer than measuring. */
    private static final int NOISE = 1 << 20;
    private static final int CHECKED_ROWS = 8;
    private static final double TOLERANCE = 2e-5;
    private static final int ROUNDS = 5;

    /** Storage type of the logits. */
    @Param({"F32", "BF16"})
    public DType dtype;

    /** CPU threads. */
    @Param("2")
    public int threads;

    private Device device;
    private Tensor logits;
    private Tensor targets;
    private Tensor sum;
    private VocabStats stats;

    /** Random logits, in the storage type. */
    @Setup(Level.Trial)
    public void setUp() {
        device = Device.open("cpu", threads);
        Arena arena = device.arena("benchmark");
        logits = arena.allocate("logits", dtype, ROWS, VOCAB);
        SplittableRandom random = new SplittableRandom(1);
        float[] noise = new float[NOISE];
        for (int j = 0; j < NOISE; j++) {
            noise[j] = (float) (LOGIT_STD * random.nextGaussian());
        }
        Tensor wide = arena.allocate("row", DType.F32, VOCAB);
        for (int i = 0; i < ROWS; i++) {
            int start = random.nextInt(NOISE - VOCAB);
            device.upload(wide, Arrays.copyOfRange(noise, start, start + VOCAB));
            device.cast(logits.rows(i, 1).view(VOCAB), wide);
        }
        targets = arena.upload("targets", random.ints(ROWS, 0, VOCAB).toArray());
        sum = arena.allocate("sum", DType.F32, 1);
        stats = new VocabStats(f32(arena, "lse"), f32(arena, "logprob"), f32(arena, "entropy"),
                f32(arena, "certainty"), null);
        check(wide);
    }

    private static Tensor f32(Arena arena, String name) {
        return arena.allocate(name, DType.F32, ROWS);
    }

    @TearDown(Level.Trial)
    public void tearDown() {
        device.close();
    }

    /** What the project ships: one pass over the logits. */
    @Benchmark
    public void selfCertainty() {
        device.kernels().vocabReduce(stats, logits, targets, 1, 1);
        device.synchronize();
    }

    /** The machine's limit: a read of the same bytes. */
    @Benchmark
    public void read() {
        device.kernels().readCeiling(sum, logits);
        device.synchronize();
    }

    /** Compares some rows with fp64. */
    private void check(Tensor wide) {
        selfCertainty();
        float[] certainty = new float[ROWS];
        float[] entropy = new float[ROWS];
        float[] logprob = new float[ROWS];
        int[] target = new int[ROWS];
        device.download(certainty, stats.selfCertainty());
        device.download(entropy, stats.entropy());
        device.download(logprob, stats.logprob());
        device.download(target, targets);
        float[] z = new float[VOCAB];
        for (int i = 0; i < ROWS; i += ROWS / CHECKED_ROWS) {
            device.cast(wide, logits.rows(i, 1).view(VOCAB));
            device.download(z, wide);
            double[] exact = IntStream.range(0, VOCAB).mapToDouble(j -> z[j]).toArray();
            VocabularyReference row = VocabularyReference.of(exact, target[i]);
            requireClose("self-certainty", i, certainty[i], row.selfCertainty());
            requireClose("entropy", i, entropy[i], row.entropy());
            requireClose("log-probability", i, logprob[i], row.logprob());
        }
    }

    private static void requireClose(String what, int row, double value, double oracle) {
        if (!(Math.abs(value - oracle) <= TOLERANCE * Math.max(1, Math.abs(oracle)))) {
            throw new IllegalStateException(what + " of row " + row + " is " + value + ", in fp64 it is " + oracle);
        }
    }

    /** Runs the rounds and prints the table. JMH's own options are understood, for instance {@code -p threads=1}. */
    public static void main(String[] args) throws RunnerException, CommandLineOptionException {
        Map<String, List<Double>> milliseconds = new LinkedHashMap<>();
        for (int round = 0; round < ROUNDS; round++) {
            Collection<RunResult> results = new Runner(new OptionsBuilder()
                    .parent(new CommandLineOptions(args))
                    .include(SelfCertaintyBenchmark.class.getName())
                    .forks(1)
                    .warmupIterations(1).warmupTime(TimeValue.milliseconds(500))
                    .measurementIterations(1).measurementTime(TimeValue.milliseconds(1500))
                    .verbosity(VerboseMode.SILENT)
                    .build()).run();
            for (RunResult r : results) {
                String name = r.getParams().getParam("dtype") + " " + r.getPrimaryResult().getLabel();
                milliseconds.computeIfAbsent(name, n -> new ArrayList<>())
                        .add(r.getPrimaryResult().getStatistics().getPercentile(50));
            }
            System.err.println("round " + (round + 1) + " of " + ROUNDS);
        }
        System.out.printf("self-certainty, entropy, log-probability and logsumexp of logits [%d, %d]%n", ROWS, VOCAB);
        for (DType dtype : List.of(DType.F32, DType.BF16)) {
            if (!milliseconds.containsKey(dtype + " selfCertainty")) {
                continue;
            }
            double bytes = (double) ROWS * VOCAB * dtype.bytes();
            double ours = median(milliseconds.get(dtype + " selfCertainty"));
            double read = median(milliseconds.get(dtype + " read"));
            System.out.printf("  %-5s one pass %6.2f ms = %5.1f GB/s   read ceiling %6.2f ms = %5.1f GB/s   fraction "
                    + "%.2f%n",
                    dtype.name().toLowerCase(), ours, bytes / ours / 1e6,
                    read, bytes / read / 1e6, read / ours);
        }
    }

    private static double median(List<Double> values) {
        return Bench.median(values.stream().mapToDouble(Double::doubleValue).toArray());
    }
}

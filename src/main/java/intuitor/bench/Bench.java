package intuitor.bench;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Stopwatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Measures kernels on random data. A kernel and its ceiling take turns, so that both see the same machine; several
 * copies of the inputs are used one after the other where one would stay in a cache; the figures are medians.
 */
public final class Bench {

    /** More than the caches of the processors this runs on. */
    private static final double CACHES = 192 << 20;
    private static final int MOST_COPIES = 6;
    private static final double WARM_UP_MILLIS = 50;

    private final Device device;
    private final int rounds;
    private final double roundMillis;

    /**
     * @param rounds      turns of kernel and ceiling
     * @param roundMillis how long a turn of either is at least
     */
    public Bench(Device device, int rounds, double roundMillis) {
        this.device = device;
        this.rounds = rounds;
        this.roundMillis = roundMillis;
    }

    /** Measures the cases whose kernel's name is wanted, and hands each result on as soon as it is there. */
    public List<Measurement> run(BenchShape shape, DType storage, Predicate<String> wanted,
            Consumer<Measurement> done) {
        boolean fusedHead = device.kernels().hasLmHeadForward(storage, shape.hidden());
        return run(KernelCases.of(shape, storage, !device.attention().sharesPrefixes(), packedTypes(storage), fusedHead)
                .stream().filter(one -> wanted.test(one.kernel())).toList(), done);
    }

    /** A GPU's library takes weights as they are. */
    private List<DType> packedTypes(DType storage) {
        if (device.info().isGpu() || storage != DType.F32) {
            return List.of();
        }
        return device.blas().packsInBf16() ? List.of(DType.F32, DType.BF16) : List.of(DType.F32);
    }

    /** Measures the steps of the lab. */
    public List<Measurement> runLab(BenchShape shape, DType storage, Consumer<Measurement> done) {
        return run(LabCases.of(device, shape, storage), done);
    }

    private List<Measurement> run(List<KernelCase> cases, Consumer<Measurement> done) {
        List<Measurement> results = new ArrayList<>();
        for (KernelCase one : cases) {
            results.add(measure(one));
            done.accept(results.getLast());
        }
        return results;
    }

    /** The names of the kernels that are measured everywhere. */
    public static List<String> kernels() {
        return KernelCases.of(BenchShape.tiny(), DType.F32, false, List.of(), false).stream().map(KernelCase::kernel)
                .distinct().toList();
    }

    private Measurement measure(KernelCase one) {
        try (Arena arena = device.arena("bench " + one.kernel()); Stopwatch clock = device.stopwatch()) {
            Inputs inputs = new Inputs(arena);
            List<KernelCase.Trial> trials = copies(one, one.setUp(), inputs);
            double error = trials.getFirst().error().getAsDouble();
            List<Runnable> calls = trials.stream().map(KernelCase.Trial::run).toList();
            List<Runnable> ceilings = copies(one, one.ceiling(), inputs);
            double[] millis = new double[rounds];
            double[] ceilingMillis = new double[rounds];
            int callsARound = callsFor(clock, calls);
            int ceilingsARound = callsFor(clock, ceilings);
            for (int round = 0; round < rounds; round++) {
                ceilingMillis[round] = time(clock, ceilings, ceilingsARound);
                millis[round] = time(clock, calls, callsARound);
            }
            return new Measurement(one, median(millis), median(ceilingMillis), error);
        }
    }

    /** Calls with inputs of their own, as many as it takes to leave the caches; arithmetic does not mind them. */
    private static <T> List<T> copies(KernelCase one, Function<Inputs, T> setUp, Inputs inputs) {
        int count = one.arithmetic() ? 1 : (int) Math.clamp(Math.ceil(CACHES / one.bytes()), 1, MOST_COPIES);
        return Stream.generate(() -> setUp.apply(inputs)).limit(count).toList();
    }

    /** How many calls fill a round; they are warm then. */
    private int callsFor(Stopwatch clock, List<Runnable> calls) {
        double spent = 0;
        int made = 0;
        while (spent < WARM_UP_MILLIS || made < 2 * calls.size()) {
            double each = time(clock, calls, calls.size());
            spent += each * calls.size();
            made += calls.size();
            if (spent > 20 * WARM_UP_MILLIS) {
                break;
            }
        }
        double each = time(clock, calls, calls.size());
        return (int) Math.clamp(Math.ceil(roundMillis / Math.max(each, 1e-3)), 1, 10_000);
    }

    /** Milliseconds a call, over this many calls that use the copies in turn. */
    private static double time(Stopwatch clock, List<Runnable> calls, int count) {
        clock.start();
        for (int i = 0; i < count; i++) {
            calls.get(i % calls.size()).run();
        }
        return clock.stop() / count;
    }

    /** The middle one, or the mean of the two in the middle, of at least one. */
    public static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}

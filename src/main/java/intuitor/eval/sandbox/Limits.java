package intuitor.eval.sandbox;

/**
 * What a program may use, each process of it where nothing else is said.
 *
 * @param seconds     processor time from the moment its own code starts; on an idle machine a program that computes has
 *                    used up as much wall-clock time, and on a busy one it is judged all the same. One that only waits
 *                    is ended after {@link #WALL_FACTOR} times as much
 * @param memoryBytes address space
 * @param threads     processes and threads together; a program cannot start processes at all
 * @param outputBytes size of its standard output and of its standard error; in the sandbox it can create no file
 */
public record Limits(double seconds, long memoryBytes, int threads, long outputBytes) {

    /** LiveCodeBench's 6 seconds a test, and room enough for a contest's problems. */
    public static final Limits CONTEST = new Limits(6, 1L << 30, 32, 16L << 20);

    static final double WALL_FACTOR = 10;
    /** Starting Python takes time of its own; after this on top of the wall-clock time the host ends the program. */
    static final double GRACE_SECONDS = 6;

    static final int OPEN_FILES = 64;

    public Limits {
        if (!(seconds > 0) || memoryBytes < 1 || threads < 1 || outputBytes < 1) {
            throw new IllegalArgumentException("limits must be positive");
        }
    }

    double wallSeconds() {
        return WALL_FACTOR * seconds;
    }

    /** The same limits with another time. */
    public Limits withSeconds(double other) {
        return new Limits(other, memoryBytes, threads, outputBytes);
    }
}

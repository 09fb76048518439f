package intuitor.optim;

/**
 * Learning rate as a function of the step, the same as transformers' {@code get_scheduler}: a linear rise over
 * {@code warmupSteps}, then
 * <pre>
 *   cosine     peak * max(0, 0.5 (1 + cos(pi * progress)))
 *   linear     peak * max(0, 1 - progress)
 *   constant   peak, without the rise; constant_with_warmup: with it
 *   progress = (step - warmup) / max(1, total - warmup)
 * </pre>
 * As there, the first of several warm-up steps has rate 0.
 */
public record LearningRate(SchedulerType type, double peak, int warmupSteps, int totalSteps) {

    /** Warm-up over {@code ceil(warmupRatio * totalSteps)} steps, as transformers rounds it. */
    public static LearningRate of(SchedulerType type, double peak, double warmupRatio, int totalSteps) {
        return new LearningRate(type, peak, (int) Math.ceil(warmupRatio * totalSteps), totalSteps);
    }

    /** @param step updates made before this one: 0 for the first */
    public double at(int step) {
        return peak * factor(step);
    }

    private double factor(int step) {
        if (type == SchedulerType.CONSTANT) {
            return 1;
        }
        if (step < warmupSteps) {
            return (double) step / Math.max(1, warmupSteps);
        }
        double progress = (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
        return switch (type) {
            case COSINE -> Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
            case LINEAR -> Math.max(0, 1 - progress);
            case CONSTANT, CONSTANT_WITH_WARMUP -> 1;
        };
    }
}

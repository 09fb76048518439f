package intuitor.eval;

/**
 * A share of successes with its 95% Wilson score interval (Wilson 1927).
 *
 * @param successes successes
 * @param trials    trials, at least 1
 */
public record Proportion(int successes, int trials) {
    private static final double Z = 1.959963984540054;

    public Proportion {
        if (trials < 1 || successes < 0 || successes > trials) {
            throw new IllegalArgumentException(successes + " successes of " + trials + " trials");
        }
    }

    public double value() {
        return (double) successes / trials;
    }

    public double low() {
        return centre() - halfWidth();
    }

    public double high() {
        return centre() + halfWidth();
    }

    private double centre() {
        return (value() + Z * Z / (2 * trials)) / (1 + Z * Z / trials);
    }

    private double halfWidth() {
        double p = value();
        return Z * Math.sqrt(p * (1 - p) / trials + Z * Z / (4.0 * trials * trials)) / (1 + Z * Z / trials);
    }
}

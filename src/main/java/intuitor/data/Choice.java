package intuitor.data;

import java.util.List;
import java.util.SplittableRandom;

/** The few ways in which the problem generator draws: uniform numbers, uniform and weighted picks, coins. */
final class Choice {
    private final SplittableRandom random;

    Choice(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** Uniform over {@code low..high}, both included. */
    int number(int low, int high) {
        return random.nextInt(low, high + 1);
    }

    boolean coin(double probability) {
        return random.nextDouble() < probability;
    }

    String pick(String... items) {
        return items[random.nextInt(items.length)];
    }

    String pick(List<String> items) {
        return items.get(random.nextInt(items.size()));
    }

    int pick(int... items) {
        return items[random.nextInt(items.length)];
    }

    /** Index {@code i} with probability {@code weights[i] / sum(weights)}. */
    int weighted(double... weights) {
        double total = 0;
        for (double w : weights) {
            total += w;
        }
        double x = random.nextDouble() * total;
        for (int i = 0; i < weights.length; i++) {
            x -= weights[i];
            if (x < 0) {
                return i;
            }
        }
        return weights.length - 1;
    }
}

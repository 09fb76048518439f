package intuitor.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * The order in which a run sees its prompts: epoch after epoch, each in a new random order. A function of the seed and
 * the position alone, so a run that resumes at step s goes on exactly where it was.
 *
 * @param <T> what a prompt is
 */
final class PromptStream<T> {

    private final List<T> prompts;
    private final boolean shuffle;
    private final long seed;
    private long epoch = -1;
    private final int[] order;

    PromptStream(List<T> prompts, boolean shuffle, long seed) {
        this.prompts = List.copyOf(prompts);
        this.shuffle = shuffle;
        this.seed = seed;
        this.order = new int[prompts.size()];
    }

    /** The prompts at positions [from, from + count) of the stream; epochs follow each other without a gap. */
    List<T> batch(long from, int count) {
        List<T> batch = new ArrayList<>();
        for (long position = from; position < from + count; position++) {
            arrange(position / prompts.size());
            batch.add(prompts.get(order[(int) (position % prompts.size())]));
        }
        return batch;
    }

    int size() {
        return prompts.size();
    }

    /** Fisher-Yates with java.util.Random, whose algorithm is part of Java's specification. */
    private void arrange(long wanted) {
        if (wanted == epoch) {
            return;
        }
        epoch = wanted;
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        if (!shuffle) {
            return;
        }
        Random random = new Random(seed * 1_000_003 + epoch);
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
    }
}

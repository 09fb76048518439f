package intuitor.train;

import intuitor.model.PackedBatch;
import intuitor.rollout.Completion;
import intuitor.rollout.Group;
import java.util.ArrayList;
import java.util.List;

/**
 * Successive completions of a step that are computed together: whole groups, each with its prompt stored once, as far
 * as the token budget reaches.
 *
 * @param batch      their tokens
 * @param firstToken number of completion tokens of the step that come before
 */
record MicroBatch(PackedBatch batch, int firstToken) {

    /**
     * Splits a step. A group that is larger than the budget by itself is split between its completions, its prompt
     * being repeated; a single completion is never split.
     *
     * @param tokenBudget rows of a micro-batch, about
     * @param sharePrompt whether a prompt is there once for its completions, or again for each
     */
    static List<MicroBatch> split(List<Group> groups, int tokenBudget, boolean sharePrompt) {
        List<MicroBatch> batches = new ArrayList<>();
        PackedBatch.Builder builder = PackedBatch.builder();
        int first = 0;
        int tokens = 0;
        for (Group group : groups) {
            for (List<int[]> part : sharePrompt ? parts(group, tokenBudget) : each(group)) {
                int rows = group.prompt().length + part.stream().mapToInt(c -> c.length).sum();
                if (builder.rows() > 0 && builder.rows() + rows > tokenBudget) {
                    batches.add(new MicroBatch(builder.build(), first));
                    builder = PackedBatch.builder();
                    first = tokens;
                }
                builder.group(group.prompt(), part);
                tokens += rows - group.prompt().length;
            }
        }
        batches.add(new MicroBatch(builder.build(), first));
        return batches;
    }

    private static List<List<int[]>> each(Group group) {
        return group.completions().stream().map(c -> List.of(c.tokens())).toList();
    }

    /** The completions of a group in runs that fit the budget together with their prompt. */
    private static List<List<int[]>> parts(Group group, int tokenBudget) {
        List<List<int[]>> parts = new ArrayList<>();
        List<int[]> part = new ArrayList<>();
        int rows = group.prompt().length;
        for (Completion completion : group.completions()) {
            if (!part.isEmpty() && rows + completion.length() > tokenBudget) {
                parts.add(part);
                part = new ArrayList<>();
                rows = group.prompt().length;
            }
            part.add(completion.tokens());
            rows += completion.length();
        }
        parts.add(part);
        return parts;
    }
}

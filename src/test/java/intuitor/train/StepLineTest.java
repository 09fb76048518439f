package intuitor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.train.StepProgress.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

class StepLineTest {

    /** Seconds count from the beginning of the step: its prompts are computed before the first token. */
    @Test
    void whatAStepSaysOfItself() {
        List<String> said = new ArrayList<>();
        long[] time = {5_000_000_000L};
        LongSupplier clock = () -> time[0];
        StepLine line = new StepLine(text -> said.add(text.get()), 3, 467, clock);
        time[0] += 4_000_000_000L;
        line.at(Phase.GENERATING, 1, 32768);
        time[0] += 6_000_000_000L;
        line.at(Phase.GENERATING, 1500, 32768);
        line.at(Phase.SCORING, 0, 4);
        line.at(Phase.TRAINING, 3, 4);
        assertEquals(List.of("step 3/467: generating, 1 of at most 32,768 tokens, 0 tokens/s",
                "step 3/467: generating, 1,500 of at most 32,768 tokens, 150 tokens/s",
                "step 3/467: scoring, part 1 of 4", "step 3/467: training, part 4 of 4"), said);
    }
}

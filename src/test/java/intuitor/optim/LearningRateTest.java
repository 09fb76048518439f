package intuitor.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class LearningRateTest {

    /** Ten steps, ratio 0.15: transformers warms up over ceil(1.5) = 2 of them. */
    @Test
    void cosine() {
        LearningRate rate = LearningRate.of(SchedulerType.COSINE, 2, 0.15, 10);
        assertEquals(2, rate.warmupSteps());
        assertEquals(0, rate.at(0));
        assertEquals(1, rate.at(1));
        assertEquals(2, rate.at(2));
        assertEquals(1 + Math.cos(Math.PI / 4), rate.at(4), 1e-15);
        assertEquals(1, rate.at(6), 1e-15);
        assertEquals(1 + Math.cos(Math.PI * 7 / 8), rate.at(9), 1e-15);
        assertEquals(0, rate.at(10));
    }

    @Test
    void linear() {
        LearningRate rate = LearningRate.of(SchedulerType.LINEAR, 3, 0.1, 11);
        assertEquals(2, rate.warmupSteps());
        assertEquals(1.5, rate.at(1));
        assertEquals(3, rate.at(2));
        assertEquals(3 * 8.0 / 9, rate.at(3), 1e-15);
        assertEquals(0, rate.at(11));
    }

    @Test
    void constant() {
        assertEquals(5, LearningRate.of(SchedulerType.CONSTANT, 5, 0.5, 4).at(0));
        LearningRate rate = LearningRate.of(SchedulerType.CONSTANT_WITH_WARMUP, 5, 0.5, 4);
        assertEquals(2.5, rate.at(1));
        assertEquals(5, rate.at(3));
    }

    @Test
    void withoutWarmUpTheFirstStepHasThePeak() {
        assertEquals(1e-6, LearningRate.of(SchedulerType.COSINE, 1e-6, 0, 100).at(0));
    }
}

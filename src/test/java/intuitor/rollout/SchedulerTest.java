package intuitor.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import intuitor.rollout.Scheduler.Growing;
import intuitor.rollout.Scheduler.Prefill;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The decisions of generation, with completions whose lengths are decided beforehand. */
class SchedulerTest {

    private static final int STOP = 1;

    /**
     * Plays generation: each completion ends with its length's token. What the cache holds is checked at every step.
     */
    private static final class Game {

        final List<GrowingSequence> sequences = new ArrayList<>();
        final PagePool pool;
        final Scheduler scheduler;
        final int pageSize;
        final int maxLength;
        final int[] lengths;
        final Set<GrowingSequence> computed = new HashSet<>(); // those whose tokens are in their pages
        final Set<SharedPrompt> promptsComputed = new HashSet<>();
        int steps;
        int runs;
        int largestBatch;
        int prefilledTokens;

        Game(int[] promptLengths, int generations, int maxLength, int[] lengths, int pages, int pageSize,
                int maxSequences) {
            this.pool = new PagePool(pages, pageSize);
            this.pageSize = pageSize;
            this.maxLength = maxLength;
            this.lengths = lengths;
            for (int p = 0; p < promptLengths.length; p++) {
                SharedPrompt prompt = new SharedPrompt(new int[promptLengths[p]]);
                for (int g = 0; g < generations; g++) {
                    GrowingSequence s = new GrowingSequence(p, g, 0, prompt);
                    prompt.add(s);
                    sequences.add(s);
                }
            }
            this.scheduler = new Scheduler(sequences, pool, maxLength, maxSequences);
        }

        void play() {
            play(1);
        }

        /** @param maxSteps tokens that they grow by at a time, at most */
        void play(int maxSteps) {
            while (!scheduler.isDone()) {
                for (Prefill work : scheduler.admit(100)) {
                    prefill(work);
                }
                scheduler.retire();
                Growing grow = scheduler.makeRoom(maxSteps);
                List<GrowingSequence> growing = grow.sequences();
                assertTrue(grow.steps() <= maxSteps && grow.steps() >= Math.min(1, growing.size()));
                computed.retainAll(growing);
                promptsComputed.removeIf(p -> !p.isCached());
                requireDistinctPages(growing);
                growing.forEach(s -> {
                    assertTrue(s.length() == 1 || computed.contains(s), "the tokens before are in the cache");
                    assertTrue(promptsComputed.contains(s.shared), "so is the prompt");
                    for (int i = 0; i < grow.steps() && !s.finished(maxLength); i++) {
                        assertTrue(s.pageCount() * pageSize >= s.length(), "there is a place for the new one");
                        draw(s);
                    }
                    computed.add(s);
                });
                steps += grow.steps();
                runs++;
                largestBatch = Math.max(largestBatch, growing.size());
                scheduler.retire();
                assertTrue(steps < 100_000, "it ends");
            }
        }

        private void prefill(Prefill work) {
            prefilledTokens += work.tokens();
            promptsComputed.add(work.prompt());
            computed.addAll(work.begun());
            assertEquals(work.isFirst(), !work.prompt().isBegun());
            if (work.isFirst()) {
                work.prompt().siblings().forEach(this::draw);
                work.prompt().begin();
            }
        }

        private void draw(GrowingSequence s) {
            int length = lengths[sequences.indexOf(s)];
            s.add(s.length() + 1 == length ? STOP : 0, 0, 0, 0, s.length() + 1 == length);
        }

        private void requireDistinctPages(List<GrowingSequence> growing) {
            Set<Integer> taken = new HashSet<>();
            Set<SharedPrompt> prompts = new HashSet<>();
            int pages = 0;
            for (GrowingSequence s : growing) {
                for (int i = 0; i < s.pageCount(); i++) {
                    taken.add(s.pages()[i]);
                    pages++;
                }
                if (prompts.add(s.shared)) {
                    Arrays.stream(s.shared.pages()).forEach(taken::add);
                    pages += s.shared.pages().length;
                }
            }
            assertEquals(pages, taken.size(), "no page is anywhere twice");
            assertEquals(pool.size(), taken.size() + pool.free(), "no page is lost");
        }
    }

    @ParameterizedTest
    @CsvSource({"10, 4, 1", "12, 4, 2", "20, 3, 1000", "1000, 16, 1000", "40, 1, 5", "9, 16, 1000", "200, 5, 7"})
    void everyCompletionGetsToItsEndAndEveryPageComesBack(int pages, int pageSize, int maxSequences) {
        Random random = new Random(pages);
        int[] prompts = random.ints(12, 1, 9).toArray();
        int[] lengths = random.ints(12 * 5, 1, 26).toArray();
        int least = 8 / pageSize + 25 / pageSize + 2;
        for (int steps : new int[] {1, 2, 7, 16, 100}) {
            Game game = new Game(prompts, 5, 25, lengths, Math.max(pages, least), pageSize, maxSequences);
            game.play(steps);
            assertEquals(Arrays.stream(lengths).boxed().toList(),
                    game.sequences.stream().map(GrowingSequence::length).toList());
            assertEquals(game.pool.size(), game.pool.free());
            assertTrue(game.largestBatch <= maxSequences);
        }
    }

    /** With room for all, each prompt is computed once and everything grows together. */
    @Test
    void whatFitsGrowsTogether() {
        int[] lengths = new int[12];
        Arrays.fill(lengths, 20);
        Game game = new Game(new int[] {5, 6, 7}, 4, 20, lengths, 3 * 2 + 12 * 5, 4, 1000);
        game.play();
        assertEquals(19, game.steps, "the first tokens come from the prompts");
        assertEquals(12, game.largestBatch);
        assertEquals(18, game.prefilledTokens);
        assertEquals(0, game.scheduler.preemptions());
    }

    /** Several tokens at a time, and no more than lack. */
    @Test
    void whatFitsGrowsManyTokensAtATime() {
        int[] lengths = new int[12];
        Arrays.fill(lengths, 20);
        Game game = new Game(new int[] {5, 6, 7}, 4, 20, lengths, 3 * 2 + 12 * 5, 4, 1000);
        game.play(16);
        assertEquals(2, game.runs);
        assertEquals(19, game.steps);
    }

    /** Pages are taken ahead as far as they are free; nobody gives its own up for that. */
    @Test
    void growingSeveralTokensTakesNobodysPages() {
        SharedPrompt prompt = new SharedPrompt(new int[4]);
        for (int i = 0; i < 30; i++) {
            prompt.add(new GrowingSequence(0, i, 0, prompt));
        }
        PagePool pool = new PagePool(1 + 8, 4);
        Scheduler scheduler = new Scheduler(prompt.siblings(), pool, 14, 10);
        scheduler.admit(100);
        prompt.begin();
        prompt.siblings().forEach(s -> s.add(0, 0, 0, 0, s.index >= 3));
        scheduler.retire();
        scheduler.admit(100); // so many ended at once that little is expected of the three

        Growing first = scheduler.makeRoom(16);
        assertEquals(prompt.siblings().subList(0, 3), first.sequences());
        assertEquals(8, first.steps(), "two pages for each; nine tokens would take a ninth");
        assertEquals(0, scheduler.preemptions());
        for (int i = 0; i < 8; i++) {
            first.sequences().forEach(s -> s.add(0, 0, 0, 0, false));
        }
        Growing second = scheduler.makeRoom(16);
        assertEquals(1, scheduler.preemptions(), "two pages are left, and all three need one");
        assertEquals(prompt.siblings().subList(0, 2), second.sequences());
        assertEquals(5, second.steps(), "to the greatest length");
    }

    /** Completions of the greatest length are foreseen: none enters to be thrown out again. */
    @Test
    void whatDoesNotFitWaits() {
        int[] lengths = new int[12];
        Arrays.fill(lengths, 20);
        Game game = new Game(new int[] {5, 6, 7}, 4, 20, lengths, 2 * 2 + 5 * 5, 4, 1000);
        game.play();
        assertEquals(0, game.scheduler.preemptions());
        assertTrue(game.largestBatch == 5, "as many as fit");
    }

    /**
     * Short completions make room for others that turn out long: some have to wait again, and what they had comes back.
     */
    @Test
    void whereTheExpectationFailsTheLastInRankWaits() {
        int[] lengths = new int[40];
        Arrays.fill(lengths, 0, 20, 2);
        Arrays.fill(lengths, 20, 40, 60);
        Game game = new Game(new int[] {4, 4}, 20, 60, lengths, 40, 4, 1000);
        game.play();
        assertTrue(game.scheduler.preemptions() > 0);
        assertTrue(game.prefilledTokens > 8);
        assertEquals(Arrays.stream(lengths).boxed().toList(),
                game.sequences.stream().map(GrowingSequence::length).toList());
    }

    @Test
    void theNextEntersAsSoonAsOneHasEnded() {
        Game game = new Game(new int[] {1, 1, 1}, 1, 10, new int[] {10, 3, 9}, 1000, 4, 2);
        game.play();
        // 2 + 8 tokens after the first in the place of the second; the first one ends meanwhile
        assertEquals(2 + 8, game.steps);
    }

    @Test
    void aPoolIsAStack() {
        PagePool pool = new PagePool(3, 16);
        assertEquals(0, pool.take());
        assertEquals(1, pool.take());
        pool.give(0);
        assertEquals(0, pool.take());
        assertEquals(1, pool.free());
        assertEquals(2, pool.pagesFor(17));
        assertEquals(0, pool.pagesFor(0));
        assertSame(3, pool.size());
    }
}

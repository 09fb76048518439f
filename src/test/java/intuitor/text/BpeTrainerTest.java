package intuitor.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {

    @TempDir
    Path folder;

    @Test
    void splitsAsQwen2Does() {
        assertEquals(List.of("I", "'m", " ", "1", "2", " years", ".\n\n", "  ", " é", " ==\n", " ", "\tx", "'S"),
                BpeTrainer.split("I'm 12 years.\n\n   e\u0301 ==\n \tx'S"));
    }

    /** The example of the paper: low, lower, newest, widest. */
    @Test
    void mergesTheMostFrequentPairFirst() {
        var corpus = List.of("low\nlow\nlow\nlow\nlow\nlower\nlower\n" + "newest\n".repeat(6) + "widest\n".repeat(3));
        BpeModel bpe = BpeTrainer.train(corpus, 256 + 1 + 7, List.of("<|endoftext|>"));
        // es 9 times; then of equal counts the lower ids: (es,t) alone; (l,o) before (o,w), 7 each; (e,w) before (n,e)
        // and (n,ew) before (ew,est), 6 each
        assertEquals("[es, est, lo, low, ew, new, newest]", bpe.tokens().subList(256, 263).toString());
        assertEquals(new BpeModel.Merge("es", "t"), bpe.merges().get(1));
        assertEquals(264, bpe.size());
    }

    @Test
    void aSmallTextGivesAsManyTokensAsItCan() {
        BpeModel bpe = BpeTrainer.train(List.of("ab ab ab"), 1000, List.of("<|endoftext|>", "<|x|>"));
        assertEquals(List.of("ab", "Ġab"), bpe.tokens().subList(256, bpe.tokens().size()));
        assertEquals(256 + 2 + 2, bpe.size());
        assertTrue(BpeTrainer.train(List.of(), 1000, List.of("<|endoftext|>")).merges().isEmpty());
        assertThrows(IllegalArgumentException.class, () -> BpeTrainer.train(List.of(), 256, List.of("<|endoftext|>")));
    }

    @Test
    void everyMergeMakesATokenOfItsOwn() {
        var text = new StringBuilder();
        var random = new Random(3);
        for (int i = 0; i < 3000; i++) {
            text.append("a".repeat(random.nextInt(1, 12))).append("b".repeat(random.nextInt(0, 3))).append(' ');
        }
        BpeModel bpe = BpeTrainer.train(List.of(text.toString()), 320, List.of("<|endoftext|>"));
        assertEquals(bpe.tokens().size(), new HashSet<>(bpe.tokens()).size());
        assertEquals(256 + bpe.merges().size(), bpe.tokens().size());
        for (int i = 0; i < bpe.merges().size(); i++) {
            BpeModel.Merge merge = bpe.merges().get(i);
            assertEquals(merge.left() + merge.right(), bpe.tokens().get(256 + i));
        }
    }

    /** The library's encoder, given our file, does what the definition of BPE says. */
    @Test
    void theLibraryEncodesByTheMerges() {
        Tokenizer tokenizer = TinyTokenizer.in(folder);
        BpeModel bpe = TinyTokenizer.model();
        var random = new Random(9);
        for (int i = 0; i < 2000; i++) {
            String text = RandomText.of(random, 60);
            assertArrayEquals(encode(bpe, text), tokenizer.encode(text), text);
        }
    }

    /** BPE as defined: in each word, the earliest learned of all adjacent pairs is merged, until none is left. */
    private static int[] encode(BpeModel bpe, String text) {
        Map<BpeModel.Merge, Integer> rank = new HashMap<>();
        bpe.merges().forEach(merge -> rank.put(merge, rank.size()));
        var ids = new ArrayList<Integer>();
        for (String word : BpeTrainer.split(text)) {
            var parts = new ArrayList<String>();
            ByteAlphabet.spell(word).chars().forEach(c -> parts.add(Character.toString(c)));
            while (true) {
                int best = -1;
                int bestRank = Integer.MAX_VALUE;
                for (int i = 0; i + 1 < parts.size(); i++) {
                    Integer r = rank.get(new BpeModel.Merge(parts.get(i), parts.get(i + 1)));
                    if (r != null && r < bestRank) {
                        best = i;
                        bestRank = r;
                    }
                }
                if (best < 0) {
                    break;
                }
                parts.set(best, parts.get(best) + parts.remove(best + 1));
            }
            parts.forEach(part -> ids.add(bpe.tokens().indexOf(part)));
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }
}

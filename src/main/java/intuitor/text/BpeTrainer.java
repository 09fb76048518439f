package intuitor.text;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Learns a byte-level BPE vocabulary (Sennrich et al., 2016, arXiv 1508.07909; on bytes as in GPT-2) from text that is
 * split as Qwen2 splits it: words with the space before them, digits one by one, runs of punctuation, line breaks.
 *
 * <p>The pair of adjacent tokens that occurs most often in all words becomes a token, again and again; of equally
 * frequent pairs the one with the lower ids wins, left one first. So the result depends on the text alone, and it is
 * the one that the trainer of Hugging Face's tokenizers finds (but for its habit of merging a second pair into a token
 * that is there already; here every token has one merge).
 */
public final class BpeTrainer {

    /** Qwen2's split, as it stands in its tokenizer.json. */
    static final String SPLIT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private static final Pattern WORD = Pattern.compile(SPLIT, Pattern.UNICODE_CHARACTER_CLASS);

    /** A pair that occurs once tells nothing about the language. */
    private static final long MIN_COUNT = 2;

    private record Candidate(long count, int left, int right) {

        static final Comparator<Candidate> BEST_FIRST = Comparator.comparingLong(Candidate::count).reversed()
                .thenComparingInt(Candidate::left)
                .thenComparingInt(Candidate::right);
    }

    /** A distinct word of the text: its tokens so far, and how often it occurs. */
    private static final class Word {
        final long count;
        int[] tokens;
        int length;

        Word(int[] tokens, long count) {
            this.tokens = tokens;
            this.length = tokens.length;
            this.count = count;
        }
    }

    /** Two adjacent tokens: how often they occur, and the words in which they do or once did. */
    private static final class Pair {
        long count;
        int[] words = new int[1];
        int size;

        void addWord(int w) {
            if (size > 0 && words[size - 1] == w) {
                return;
            }
            if (size == words.length) {
                words = Arrays.copyOf(words, 2 * size);
            }
            words[size++] = w;
        }
    }

    private final List<Word> words = new ArrayList<>();
    private final List<String> tokens = new ArrayList<>();
    private final Map<String, Integer> ids = new HashMap<>();
    private final List<BpeModel.Merge> merges = new ArrayList<>();
    private final Map<Long, Pair> pairs = new HashMap<>();
    private final PriorityQueue<Candidate> queue = new PriorityQueue<>(Candidate.BEST_FIRST);

    private BpeTrainer() {}

    /**
     * Trains on the given texts.
     *
     * @param vocabSize number of tokens wanted: the 256 bytes, the merges, the special tokens. A text that is too small
     *     for so many gives fewer.
     * @param specialTokens with the ids after all others, in this order; the first one ends a text
     */
    public static BpeModel train(Iterable<String> corpus, int vocabSize, List<String> specialTokens) {
        int ordinary = vocabSize - specialTokens.size();
        if (specialTokens.isEmpty() || ordinary < 256) {
            throw new IllegalArgumentException("a vocabulary of " + vocabSize + " with " + specialTokens.size()
                    + " special tokens: it needs 256 bytes and at least one special token");
        }
        var trainer = new BpeTrainer();
        trainer.addBytes();
        trainer.addWords(countWords(corpus));
        trainer.merge(ordinary);
        return new BpeModel(trainer.tokens, trainer.merges, specialTokens);
    }

    private static Map<String, Long> countWords(Iterable<String> corpus) {
        var counts = new HashMap<String, Long>();
        for (String text : corpus) {
            for (String word : split(text)) {
                counts.merge(word, 1L, Long::sum);
            }
        }
        return counts;
    }

    /** The words of a text, after Unicode normalisation (NFC, as Qwen2 does). */
    static List<String> split(String text) {
        var words = new ArrayList<String>();
        Matcher matcher = WORD.matcher(Normalizer.normalize(text, Normalizer.Form.NFC));
        while (matcher.find()) {
            words.add(matcher.group());
        }
        return words;
    }

    /** In the order of their characters, as GPT-2 and its successors number them. */
    private void addBytes() {
        char[] characters = new char[256];
        for (int b = 0; b < 256; b++) {
            characters[b] = ByteAlphabet.character(b);
        }
        Arrays.sort(characters);
        for (char c : characters) {
            ids.put(String.valueOf(c), tokens.size());
            tokens.add(String.valueOf(c));
        }
    }

    private void addWords(Map<String, Long> counts) {
        counts.forEach((text, count) -> {
            int[] spelled = ByteAlphabet.spell(text).chars().map(c -> ids.get(String.valueOf((char) c))).toArray();
            int w = words.size();
            words.add(new Word(spelled, count));
            for (int i = 0; i + 1 < spelled.length; i++) {
                count(spelled[i], spelled[i + 1], count, w);
            }
        });
        pairs.keySet().forEach(this::enqueue);
    }

    private void merge(int vocabSize) {
        while (tokens.size() < vocabSize && !queue.isEmpty()) {
            Candidate best = queue.poll();
            long key = key(best.left, best.right);
            Pair pair = pairs.get(key);
            if (pair == null) {
                continue; // merged since
            }
            if (pair.count != best.count) {
                enqueue(key); // other merges have taken or added occurrences
                continue;
            }
            String left = tokens.get(best.left);
            String right = tokens.get(best.right);
            if (ids.putIfAbsent(left + right, tokens.size()) == null) { // each token is spelled by one merge only
                tokens.add(left + right);
                merges.add(new BpeModel.Merge(left, right));
                apply(best, pairs.remove(key));
            }
        }
    }

    /** Makes a pair the newest token, in all words that have it. */
    private void apply(Candidate best, Pair pair) {
        int merged = tokens.size() - 1;
        var grown = new HashSet<Long>();
        for (int i = 0; i < pair.size; i++) {
            replace(pair.words[i], best.left, best.right, merged, grown);
        }
        pairs.remove(key(best.left, best.right)); // overlapping occurrences, as in "aaa", have counted it once more
        grown.forEach(this::enqueue);
    }

    /** Replaces a pair in one word from left to right; pairs that gained occurrences are added to grown. */
    private void replace(int w, int left, int right, int merged, Set<Long> grown) {
        Word word = words.get(w);
        int[] t = word.tokens;
        int to = 0;
        for (int from = 0; from < word.length; ) {
            if (from + 1 == word.length || t[from] != left || t[from + 1] != right) {
                t[to++] = t[from++];
                continue;
            }
            if (to > 0) {
                count(t[to - 1], left, -word.count, w);
                count(t[to - 1], merged, word.count, w);
                grown.add(key(t[to - 1], merged));
            }
            if (from + 2 < word.length) {
                count(right, t[from + 2], -word.count, w);
                count(merged, t[from + 2], word.count, w);
                grown.add(key(merged, t[from + 2]));
            }
            t[to++] = merged;
            from += 2;
        }
        word.length = to;
    }

    private void count(int left, int right, long count, int w) {
        Pair pair = pairs.computeIfAbsent(key(left, right), k -> new Pair());
        pair.count += count;
        if (count > 0) {
            pair.addWord(w);
        }
    }

    private void enqueue(long key) {
        Pair pair = pairs.get(key);
        if (pair != null && pair.count >= MIN_COUNT) {
            queue.add(new Candidate(pair.count, (int) (key >>> 32), (int) key));
        }
    }

    private static long key(int left, int right) {
        return (long) left << 32 | right;
    }
}

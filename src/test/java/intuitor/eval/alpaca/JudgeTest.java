package intuitor.eval.alpaca;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import intuitor.UserError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The judge's client against a server on loopback. */
class JudgeTest {

    /** Only a test that hangs takes as long. */
    private static final int HUNG_SECONDS = 60;

    @TempDir
    Path folder;

    private HttpServer server;
    private final List<JsonNode> requests = Collections.synchronizedList(new ArrayList<>());
    private final List<String> authorizations = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger failuresLeft = new AtomicInteger();
    private volatile int failure = 500;
    private volatile Function<String, String> answer;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/chat/completions", this::respond);
        server.start();
        answer = prompt -> logprobs("m", 0.8, "M", 0.1);
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void respond(HttpExchange exchange) throws IOException {
        JsonNode request = new JsonMapper().readTree(exchange.getRequestBody());
        authorizations.add("" + exchange.getRequestHeaders().getFirst("Authorization"));
        boolean fails = failuresLeft.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
        if (!fails) {
            requests.add(request);
        }
        String body = fails ? "{\"error\": {\"message\": \"not\nnow\"}}"
                : answer.apply(request.path("messages").path(1).path("content").stringValue());
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(fails ? failure : 200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private static String logprobs(String a, double p, String b, double q) {
        return String.format(Locale.ROOT, "{\"choices\": [{\"message\": {\"content\": \"%s\"}, \"logprobs\": "
                + "{\"content\": [{\"token\": \"%s\", \"logprob\": %f, \"top_logprobs\": [{\"token\": \"%s\", "
                + "\"logprob\": %f}, {\"token\": \"%s\", \"logprob\": %f}]}]}}]}",
                a, a, Math.log(p), a, Math.log(p), b, Math.log(q));
    }

    private JudgeSettings settings(double rpm, int attempts) {
        return new JudgeSettings("http://127.0.0.1:" + server.getAddress().getPort() + "/v1/", "judge", "secret-key",
                rpm, 2, attempts, 10, 30);
    }

    private List<Judgement> judge(List<Pair> pairs, int attempts) {
        return new PairwiseJudge(settings(0, attempts), folder.resolve("j.jsonl"), Duration.ofMillis(1))
                .judge(pairs, () -> false, n -> { });
    }

    private static List<Pair> pairs(int n) {
        return IntStream.range(0, n).mapToObj(i -> new Pair(i, "question " + i, "mine {output_2} " + i, "theirs"))
                .toList();
    }

    @Test
    void eachPairIsJudgedInBothOrders() {
        // whoever is named m has 8/9: the model's preference is 1/9 as second and 8/9 as first
        Judgement j = judge(pairs(1), 1).getFirst();
        assertEquals(1 / 9.0, j.asSecond(), 1e-6);
        assertEquals(8 / 9.0, j.asFirst(), 1e-6);
        assertEquals(0.5, j.preference(), 1e-6);
        assertEquals("mine {output_2} 0".length(), j.length());
        assertEquals(2, requests.size());
        JsonNode r = requests.getFirst();
        assertEquals("judge", r.path("model").stringValue());
        assertEquals(1, r.path("max_tokens").intValue());
        assertTrue(r.path("logprobs").booleanValue() && r.path("top_logprobs").intValue() == 5);
        String text = r.path("messages").path(1).path("content").stringValue();
        assertTrue(text.contains("\"instruction\": \"\"\"question 0\"\"\""), text);
        assertTrue(text.indexOf("theirs") < text.indexOf("mine {output_2} 0"), text);
        assertTrue(text.endsWith("\n\n## Best Model Identifier"), text);
        assertTrue(authorizations.stream().allMatch("Bearer secret-key"::equals));
        assertFalse(settings(0, 1).toString().contains("secret"));
    }

    @Test
    void failuresAreTriedAgain() {
        for (int status : new int[] {500, 503, 429, 408}) {
            failure = status;
            failuresLeft.set(3);
            assertEquals(1, judge(List.of(new Pair(status, "q", "a", "b")), 4).size());
        }
        failuresLeft.set(1000);
        UserError e = assertThrows(UserError.class, () -> judge(pairs(1), 3));
        assertTrue(e.getMessage().contains("did not answer in 3 attempts (status 408: {\"error\": {\"message\": \"not "
                + "now\"}})"), e.getMessage());
        assertFalse(e.getMessage().contains("secret"));
    }

    @Test
    void aRefusalIsSaidAtOnce() {
        failure = 401;
        failuresLeft.set(1000);
        UserError e = assertThrows(UserError.class, () -> judge(pairs(1), 5));
        assertTrue(e.getMessage().contains("refused: status 401"), e.getMessage());
        assertTrue(authorizations.size() <= 2);
    }

    @Test
    void whatWasJudgedIsKept() throws IOException {
        assertEquals(3, judge(pairs(3), 1).size());
        assertEquals(6, requests.size());
        assertEquals(5, judge(pairs(5), 1).size());
        assertEquals(10, requests.size());
        assertEquals(5, Files.readAllLines(folder.resolve("j.jsonl")).size());
    }

    /**
     * A judge that does not answer, and a stop: nobody waits, what there is is kept, and the rest is asked for later.
     */
    @Test
    @Timeout(HUNG_SECONDS)
    void aStopDoesNotWaitForTheJudge() throws IOException {
        judge(pairs(1), 1);
        AtomicBoolean stop = new AtomicBoolean();
        CountDownLatch over = new CountDownLatch(1);
        answer = prompt -> {
            stop.set(true);
            try {
                over.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return "";
        };
        Path file = folder.resolve("j.jsonl");
        PairwiseJudge judge = new PairwiseJudge(settings(0, 1), file, Duration.ofMillis(1));
        try {
            assertEquals(1, judge.judge(pairs(3), stop::get, n -> { }).size());
        } finally {
            over.countDown();
        }
        assertEquals(1, Files.readAllLines(file).size());
        answer = prompt -> logprobs("m", 0.8, "M", 0.1);
        assertEquals(3, judge(pairs(3), 2).size());
    }

    @Test
    void anotherJudgeJudgesAnew() throws IOException {
        Path file = folder.resolve("j.jsonl");
        judge(pairs(2), 1);
        JudgeSettings s = settings(0, 1);
        JudgeSettings other = new JudgeSettings(s.url(), "other", s.key(), 0, 1, 1, 10, 30);
        answer = prompt -> logprobs("m", 0.5, "M", 0.5);
        PairwiseJudge second = new PairwiseJudge(other, file, Duration.ofMillis(1));
        assertEquals(2, second.unjudged(pairs(2)).size());
        assertTrue(second.judge(pairs(2), () -> false, n -> { }).stream()
                .allMatch(j -> j.asFirst() == 0.5 && j.judge().equals("other")));
        assertEquals(4, Files.readAllLines(file).size());
        assertEquals(8 / 9.0, judge(pairs(2), 1).getFirst().asFirst(), 1e-6);
        assertEquals(8, requests.size());
    }

    @Test
    void anAnswerThatNamesNeitherIsNoPreference() {
        answer = prompt -> logprobs("Both", 0.9, "None", 0.1);
        assertNull(judge(pairs(1), 1).getFirst().preference());
        answer = prompt -> "{\"choices\": [{\"message\": {\"content\": \"m\"}}]}";
        assertTrue(assertThrows(UserError.class, () -> judge(pairs(2), 1)).getMessage()
                .contains("gives no log-probabilities"));
        answer = prompt -> "<html>";
        assertTrue(assertThrows(UserError.class, () -> judge(pairs(2), 1)).getMessage().contains("not JSON"));
    }

    @Test
    void theRateIsLimited() throws InterruptedException {
        long start = System.nanoTime();
        try (JudgeClient client = new JudgeClient(settings(1200, 1), Duration.ofMillis(1))) {
            for (int i = 0; i < 5; i++) {
                client.preferenceForFirst("q", "a", "b");
            }
        }
        // the first at once, the others 50 ms apart: a lower bound holds on any machine
        assertTrue(System.nanoTime() - start >= 200_000_000L);
    }

    @Test
    void theCostIsEstimated() {
        CostEstimate cost = CostEstimate.of(pairs(2), settings(0, 1));
        assertEquals(4, cost.requests());
        assertEquals((cost.inputTokens() * 10 + 4 * 30) / 1e6, cost.dollars(), 1e-12);
        assertTrue(cost.inputTokens() > 4 * 250 && cost.inputTokens() < 4 * 500, cost.toString());
    }
}

package intuitor.eval.alpaca;

import intuitor.UserError;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Asks the judge and reads the probability of its answer from the log-probabilities of the first token. Requests are
 * spaced as the rate limit asks for, and tried again, after a growing pause or the one that the server names, when the
 * server is busy, fails, or cannot be reached. May be used by several threads.
 */
final class JudgeClient implements AutoCloseable {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration TIMEOUT = Duration.ofSeconds(120);
    private static final int TOP_LOGPROBS = 5;
    private static final int TOO_MANY = 429;
    private static final int REQUEST_TIMEOUT = 408;
    private static final int SERVER_ERROR = 500;
    private static final int OK = 200;
    private static final int SHOWN = 200;
    private static final double MINUTE_NANOS = 60e9;

    private final JudgeSettings settings;
    private final Duration firstPause;
    private final URI uri;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private long nextStart = System.nanoTime();

    /** @param firstPause before the second attempt; doubled before each further one */
    JudgeClient(JudgeSettings settings, Duration firstPause) {
        this.settings = settings;
        this.firstPause = firstPause;
        try {
            this.uri = URI.create(settings.url().replaceAll("/+$", "") + "/chat/completions");
            if (uri.getHost() == null || !List.of("http", "https").contains(uri.getScheme())) {
                throw new IllegalArgumentException("no host");
            }
        } catch (IllegalArgumentException e) {
            throw new UserError("--judge-url: expected an address such as https://host/v1, found '" + settings.url()
                    + "'", e);
        }
    }

    /**
     * P(m) / (P(m) + P(M)) of the judge's answer to the two outputs, the first one named m; empty where its likely
     * tokens are neither.
     */
    OptionalDouble preferenceForFirst(String instruction, String first, String second) throws InterruptedException {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("model", settings.model());
        body.put("messages", List.of(Map.of("role", "system", "content", JudgePrompt.SYSTEM),
                Map.of("role", "user", "content", JudgePrompt.user(instruction, first, second))));
        body.put("max_tokens", 1);
        body.put("temperature", 1);
        body.put("logprobs", true);
        body.put("top_logprobs", TOP_LOGPROBS);
        return preference(answer(JSON.writeValueAsString(body)));
    }

    private OptionalDouble preference(String response) {
        JsonNode choice;
        try {
            choice = JSON.readTree(response).path("choices").path(0);
        } catch (JacksonException e) {
            throw new UserError("the judge " + settings + " answered something that is not JSON: " + shown(response),
                    e);
        }
        JsonNode top = choice.path("logprobs").path("content").path(0).path("top_logprobs");
        if (!top.isArray()) {
            throw new UserError("the judge " + settings + " gives no log-probabilities "
                    + "(logprobs.content[0].top_logprobs): " + shown(response));
        }
        double m = 0;
        double capitalM = 0;
        for (JsonNode token : top) {
            double p = Math.exp(token.path("logprob").asDouble(Double.NEGATIVE_INFINITY));
            m += token.path("token").stringValue("").equals("m") ? p : 0;
            capitalM += token.path("token").stringValue("").equals("M") ? p : 0;
        }
        return m + capitalM > 0 ? OptionalDouble.of(m / (m + capitalM)) : OptionalDouble.empty();
    }

    private String answer(String body) throws InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(TIMEOUT)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (settings.key() != null) {
            request.header("Authorization", "Bearer " + settings.key());
        }
        String failure = "";
        Duration pause = firstPause;
        for (int attempt = 1; attempt <= settings.attempts(); attempt++) {
            awaitTurn();
            Duration asked = Duration.ZERO;
            try {
                HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
                int status = response.statusCode();
                if (status == OK) {
                    return response.body();
                }
                failure = "status " + status + ": " + shown(response.body());
                if (status != TOO_MANY && status != REQUEST_TIMEOUT && status < SERVER_ERROR) {
                    throw new UserError("the judge " + settings + " refused: " + failure);
                }
                asked = response.headers().firstValue("Retry-After").filter(s -> s.matches("\\d{1,4}"))
                        .map(s -> Duration.ofSeconds(Long.parseLong(s))).orElse(Duration.ZERO);
            } catch (IOException e) {
                failure = e.getClass().getSimpleName() + (e.getMessage() == null ? "" : ": " + e.getMessage());
            }
            if (attempt < settings.attempts()) {
                Thread.sleep(asked.compareTo(pause) > 0 ? asked : pause);
                pause = pause.multipliedBy(2);
            }
        }
        throw new UserError("the judge " + settings + " did not answer in " + settings.attempts() + " attempts ("
                + failure + "); what it has judged is kept, the same command goes on");
    }

    /** Spaces the requests' starts evenly. */
    private void awaitTurn() throws InterruptedException {
        if (settings.requestsPerMinute() <= 0) {
            return;
        }
        long mine;
        synchronized (this) {
            mine = Math.max(nextStart, System.nanoTime());
            nextStart = mine + (long) (MINUTE_NANOS / settings.requestsPerMinute());
        }
        long wait = mine - System.nanoTime();
        if (wait > 0) {
            Thread.sleep(Duration.ofNanos(wait));
        }
    }

    private static String shown(String text) {
        String line = text.strip().replaceAll("\\s+", " ");
        return line.length() <= SHOWN ? line : line.substring(0, SHOWN) + "...";
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}

package intuitor.text;

import intuitor.Json;
import intuitor.UserError;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** The tokens of a {@code tokenizer.json}: their ids, and which of them are special. */
final class Vocabulary {

    private static final JsonFactory JSON = new JsonFactory();

    private final Map<String, Integer> ids = new HashMap<>();
    private final BitSet special = new BitSet();
    private int size;

    private Vocabulary() {}

    /** Reads what it needs of a tokenizer's text (10 MB and more) without building a tree of it. */
    static Vocabulary parse(Path file, String json) {
        var vocabulary = new Vocabulary();
        try (JsonParser in = JSON.createParser(ObjectReadContext.empty(), json)) {
            if (in.nextToken() != JsonToken.START_OBJECT) {
                throw new UserError(file + " is not a tokenizer: it is not a JSON object");
            }
            while (in.nextToken() != JsonToken.END_OBJECT) {
                String section = in.currentName();
                in.nextToken();
                switch (section) {
                    case "model" -> vocabulary.readModel(in);
                    case "added_tokens" -> vocabulary.readAddedTokens(in);
                    default -> in.skipChildren();
                }
            }
        } catch (JacksonException e) {
            throw new UserError(file + " is damaged: " + Json.complaint(e), e);
        }
        if (vocabulary.ids.isEmpty()) {
            throw new UserError(file + " is not a tokenizer: it has no vocabulary");
        }
        return vocabulary;
    }

    int size() {
        return size;
    }

    Integer id(String token) {
        return ids.get(token);
    }

    boolean isSpecial(int id) {
        return special.get(id);
    }

    private void readModel(JsonParser in) {
        if (in.currentToken() != JsonToken.START_OBJECT) {
            return;
        }
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String field = in.currentName();
            JsonToken value = in.nextToken();
            if (field.equals("vocab") && value == JsonToken.START_OBJECT) {
                while (in.nextToken() != JsonToken.END_OBJECT) {
                    String token = in.currentName();
                    in.nextToken();
                    add(token, in.getIntValue());
                }
            } else if (field.equals("vocab") && value == JsonToken.START_ARRAY) {
                readUnigrams(in);
            } else {
                in.skipChildren();
            }
        }
    }

    /** A list of [token, score]; a token's place is its id. */
    private void readUnigrams(JsonParser in) {
        for (int id = 0; in.nextToken() == JsonToken.START_ARRAY; id++) {
            in.nextToken();
            add(in.getString(), id);
            while (in.nextToken() != JsonToken.END_ARRAY) {
                in.skipChildren();
            }
        }
    }

    private void readAddedTokens(JsonParser in) {
        while (in.nextToken() == JsonToken.START_OBJECT) {
            int id = -1;
            String content = null;
            boolean isSpecial = false;
            while (in.nextToken() != JsonToken.END_OBJECT) {
                String field = in.currentName();
                in.nextToken();
                switch (field) {
                    case "id" -> id = in.getIntValue();
                    case "content" -> content = in.getString();
                    case "special" -> isSpecial = in.getBooleanValue();
                    default -> in.skipChildren();
                }
            }
            if (id >= 0 && content != null) {
                add(content, id);
                special.set(id, isSpecial);
            }
        }
    }

    private void add(String token, int id) {
        ids.put(token, id);
        size = Math.max(size, id + 1);
    }
}

package intuitor.data;

import intuitor.UserError;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * A row of a data set, whatever kind of file it came from.
 *
 * @param fields a JSON object: the columns by name
 * @param where  file and place in it, for messages
 */
public record Row(JsonNode fields, String where) {

    /**
     * A value by its column, or by a path into one, such as {@code reward_model.ground_truth}; maybe a missing node.
     */
    JsonNode at(String path) {
        JsonNode whole = fields.path(path);
        int dot = path.indexOf('.');
        if (!whole.isMissingNode() || dot < 0) {
            return whole;
        }
        JsonNode value = fields;
        for (String name : path.split("\\.")) {
            value = value.path(name);
        }
        return value;
    }

    /** A text that must be there. */
    public String text(String name) {
        JsonNode value = fields.path(name);
        if (!value.isString()) {
            throw new UserError(where + ": no text \"" + name + "\" in this row; it has " + fields.propertyNames());
        }
        return value.stringValue();
    }

    /** A text, or null where there is none. */
    public String textOrNull(String name) {
        JsonNode value = fields.path(name);
        return value.isString() ? value.stringValue() : null;
    }

    /** A whole number that must be there. */
    public long integer(String name) {
        JsonNode value = fields.path(name);
        if (!value.isIntegralNumber()) {
            throw new UserError(where + ": no whole number \"" + name + "\" in this row; it has "
                    + fields.propertyNames());
        }
        return value.longValue();
    }

    /** A list of texts that must be there. */
    public List<String> texts(String name) {
        JsonNode value = fields.path(name);
        List<String> texts = new ArrayList<>();
        for (JsonNode element : value) {
            if (element.isString()) {
                texts.add(element.stringValue());
            }
        }
        if (!value.isArray() || texts.size() != value.size()) {
            throw new UserError(where + ": no list of texts \"" + name + "\" in this row; it has "
                    + fields.propertyNames());
        }
        return texts;
    }
}

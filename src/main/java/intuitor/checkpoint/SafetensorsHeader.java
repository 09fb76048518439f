package intuitor.checkpoint;

import intuitor.Json;
import intuitor.UserError;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The header of a safetensors file, read as strictly as the reference implementation does: the tensors must tile the
 * data after the header exactly, from its first byte to the end of the file, without a hole or an overlap, and each
 * must have the size that its shape and type give. So no byte can be hidden in a file, and none is read twice.
 *
 * <p>Layout: 8 bytes length N (little-endian), N bytes of JSON {@code {"name": {"dtype", "shape", "data_offsets"}, ...,
 * "__metadata__": {text: text}}}, then the data. Format: https://github.com/huggingface/safetensors
 */
final class SafetensorsHeader {

    /** The reference implementation's limit on the JSON, against files made to exhaust memory. */
    static final long MAX_BYTES = 100_000_000;

    static final int LENGTH_BYTES = 8;

    static final String METADATA = "__metadata__";

    private static final JsonFactory JSON =
            JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    private final Path file;
    private final Map<String, TensorEntry> tensors = new LinkedHashMap<>();
    private Map<String, String> metadata = Map.of();

    private SafetensorsHeader(Path file) {
        this.file = file;
    }

    /**
     * Checks the length field before anything is allocated for the JSON.
     *
     * @return the length of the JSON in bytes
     */
    static int checkLength(Path file, long length, long fileBytes) {
        if (length < 0 || length > MAX_BYTES) {
            throw new UserError(file + " is not a safetensors file: its header would have "
                    + Long.toUnsignedString(length) + " bytes");
        }
        if (length > fileBytes - LENGTH_BYTES) {
            throw new UserError(file + " is truncated: its header has " + length + " bytes, the file " + fileBytes);
        }
        return (int) length;
    }

    /** Parses and checks the JSON of a file that has dataBytes bytes after it. */
    static SafetensorsHeader parse(Path file, byte[] json, long dataBytes) {
        var header = new SafetensorsHeader(file);
        header.read(header.decode(json));
        header.checkLayout(dataBytes);
        return header;
    }

    /** In the order of their data. */
    Map<String, TensorEntry> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    Map<String, String> metadata() {
        return metadata;
    }

    private String decode(byte[] json) {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
        } catch (CharacterCodingException e) {
            throw broken("its header is not UTF-8");
        }
        if (!text.startsWith("{")) {
            throw broken("its header does not start with '{'");
        }
        return text;
    }

    private void read(String json) {
        var entries = new ArrayList<TensorEntry>();
        try (JsonParser in = JSON.createParser(ObjectReadContext.empty(), json)) {
            in.nextToken();
            while (in.nextToken() != JsonToken.END_OBJECT) {
                String name = in.currentName();
                in.nextToken();
                if (name.equals(METADATA)) {
                    metadata = readMetadata(in);
                } else {
                    entries.add(readTensor(name, in));
                }
            }
            if (in.nextToken() != null) {
                throw broken("something follows its header's last '}'");
            }
        } catch (JacksonException e) {
            throw new UserError(file + " is damaged: its header is not valid JSON: " + Json.complaint(e), e);
        }
        entries.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
        for (TensorEntry entry : entries) {
            tensors.put(entry.name(), entry);
        }
    }

    private Map<String, String> readMetadata(JsonParser in) {
        if (in.currentToken() != JsonToken.START_OBJECT) {
            throw broken(METADATA + " is not an object");
        }
        var map = new TreeMap<String, String>();
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String key = in.currentName();
            if (in.nextToken() != JsonToken.VALUE_STRING) {
                throw broken(METADATA + " entry '" + key + "' is not text");
            }
            map.put(key, in.getString());
        }
        return Collections.unmodifiableMap(map);
    }

    private TensorEntry readTensor(String name, JsonParser in) {
        if (in.currentToken() != JsonToken.START_OBJECT) {
            throw broken(name, "is not described by an object");
        }
        SafetensorsType type = null;
        long[] shape = null;
        long[] offsets = null;
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String field = in.currentName();
            in.nextToken();
            switch (field) {
                case "dtype" -> type = readType(name, in);
                case "shape" -> shape = readNumbers(name, field, in);
                case "data_offsets" -> offsets = readNumbers(name, field, in);
                default -> in.skipChildren();
            }
        }
        if (type == null || shape == null || offsets == null) {
            throw broken(name, "lacks its dtype, shape or data_offsets");
        }
        if (offsets.length != 2) {
            throw broken(name, "has " + offsets.length + " data_offsets instead of 2");
        }
        return new TensorEntry(name, type, shape, offsets[0], offsets[1]);
    }

    private SafetensorsType readType(String name, JsonParser in) {
        if (in.currentToken() != JsonToken.VALUE_STRING) {
            throw broken(name, "has a dtype that is not text");
        }
        String type = in.getString();
        return SafetensorsType.named(type).orElseThrow(() -> broken(name, "has the unknown dtype '" + type + "'"));
    }

    private long[] readNumbers(String name, String field, JsonParser in) {
        if (in.currentToken() != JsonToken.START_ARRAY) {
            throw broken(name, "has a " + field + " that is not a list");
        }
        var numbers = new ArrayList<Long>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            if (in.currentToken() != JsonToken.VALUE_NUMBER_INT || in.getString().startsWith("-")) {
                throw broken(name, "has a " + field + " with something other than numbers from 0");
            }
            numbers.add(in.getLongValue());
        }
        return numbers.stream().mapToLong(Long::longValue).toArray();
    }

    private void checkLayout(long dataBytes) {
        long covered = 0;
        TensorEntry previous = null;
        for (TensorEntry tensor : tensors.values()) {
            checkSize(tensor, dataBytes);
            if (tensor.begin() < covered) {
                throw broken(tensor.name(), "overlaps tensor '" + previous.name() + "'");
            }
            if (tensor.begin() > covered) {
                throw broken(tensor.name(), "starts at byte " + tensor.begin() + " of the data, but the bytes from "
                        + covered + " belong to no tensor");
            }
            covered = tensor.end();
            previous = tensor;
        }
        if (covered != dataBytes) {
            throw broken("the last " + (dataBytes - covered) + " of its bytes belong to no tensor");
        }
    }

    private void checkSize(TensorEntry tensor, long dataBytes) {
        if (tensor.begin() > tensor.end()) {
            throw broken(tensor.name(), "begins at byte " + tensor.begin() + " and ends at " + tensor.end());
        }
        if (tensor.bytes() != bytes(tensor)) {
            throw broken(tensor.name(), "has " + tensor.bytes() + " bytes where " + tensor.type()
                    + Arrays.toString(tensor.shape()) + " needs " + bytes(tensor));
        }
        if (tensor.end() > dataBytes) {
            throw new UserError(file + " is truncated: tensor '" + tensor.name() + "' ends at byte " + tensor.end()
                    + " of the data, the file has " + dataBytes);
        }
    }

    private long bytes(TensorEntry tensor) {
        try {
            long elements = 1;
            for (long d : tensor.shape()) {
                elements = Math.multiplyExact(elements, d);
            }
            long bits = Math.multiplyExact(elements, tensor.type().bits());
            if (bits % 8 != 0) {
                throw broken(tensor.name(), "does not end at a whole byte");
            }
            return bits / 8;
        } catch (ArithmeticException e) {
            throw broken(tensor.name(), "is too large: " + tensor.type() + Arrays.toString(tensor.shape()));
        }
    }

    private UserError broken(String tensor, String what) {
        return broken("tensor '" + tensor + "' " + what);
    }

    private UserError broken(String what) {
        return new UserError(file + " is damaged: " + what);
    }

    /** The JSON of the given tensors, padded with spaces so that the data starts at a multiple of 8 bytes. */
    static byte[] format(List<TensorEntry> tensors, Map<String, String> metadata) {
        var out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), out)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectPropertyStart(METADATA);
                metadata.forEach(json::writeStringProperty);
                json.writeEndObject();
            }
            for (TensorEntry tensor : tensors) {
                json.writeObjectPropertyStart(tensor.name());
                json.writeStringProperty("dtype", tensor.type().name());
                writeNumbers(json, "shape", tensor.shape());
                writeNumbers(json, "data_offsets", tensor.begin(), tensor.end());
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        while (out.size() % 8 != 0) {
            out.write(' ');
        }
        return out.toByteArray();
    }

    private static void writeNumbers(JsonGenerator json, String name, long... numbers) {
        json.writeName(name);
        json.writeArray(numbers, 0, numbers.length);
    }
}

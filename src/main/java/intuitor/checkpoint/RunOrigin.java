package intuitor.checkpoint;

import intuitor.UserError;
import intuitor.data.DataFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a run was started from ({@code origin.json}). A run that resumes needs the same base model, as its reference,
 * and the same prompts and problems; otherwise it would be another run.
 *
 * @param model          folder of the base model
 * @param modelSha256    of its weights, configuration and tokenizer, by file name
 * @param data           file or folder of the prompts
 * @param dataSha256     of that file, or of the names and check sums of the folder's files
 * @param evalData       file of the problems to evaluate on, or null
 * @param evalDataSha256 of that file, or null
 * @param probeData      file of the problems that the monitor looks at, or null
 * @param probeDataSha256 of that file, or null
 * @param isa            instruction set of the kernels that the run started with; of a GPU, its model too
 */
public record RunOrigin(String model, Map<String, String> modelSha256, String data, String dataSha256, String evalData,
                        String evalDataSha256, String probeData, String probeDataSha256, String isa) {

    private static final String FILE = "origin.json";
    private static final int BUFFER = 1 << 20;

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    /** The origin of a run that starts now; {@code evalData} and {@code probeData} may be null. */
    public static RunOrigin of(Path model, Path data, Path evalData, Path probeData, String isa) {
        return new RunOrigin(model.toString(), modelDigests(model), data.toString(), digest(data),
                evalData == null ? null : evalData.toString(), evalData == null ? null : digest(evalData),
                probeData == null ? null : probeData.toString(), probeData == null ? null : digest(probeData), isa);
    }

    public void write(Path run) {
        AtomicFiles.writeString(run.resolve(FILE), JSON.writeValueAsString(this) + "\n");
    }

    public static RunOrigin read(Path run) {
        try {
            return JSON.readValue(Files.readString(run.resolve(FILE)), RunOrigin.class);
        } catch (IOException | JacksonException e) {
            throw new UserError(run + " cannot be resumed: " + FILE + " is missing or damaged", e);
        }
    }

    /** A {@link UserError} if the base model is gone, or a file of it is another than when the run started. */
    public void requireModel() {
        Path folder = Path.of(model);
        if (!Files.isDirectory(folder)) {
            throw new UserError("the base model " + model + " of this run is gone; put it back: it is the reference");
        }
        Map<String, String> now = modelDigests(folder);
        Set<String> names = new TreeSet<>(modelSha256.keySet());
        names.addAll(now.keySet());
        for (String name : names) {
            if (!Objects.equals(now.get(name), modelSha256.get(name))) {
                throw new UserError(folder.resolve(name) + " has changed since this run started; put the base model "
                        + "back as it was: it is the reference");
            }
        }
    }

    /** A {@link UserError} if the prompts or the problems are gone, or others than when the run started. */
    public void requireData() {
        require("prompts", data, dataSha256);
        if (evalData != null) {
            require("problems", evalData, evalDataSha256);
        }
        if (probeData != null) {
            require("problems", probeData, probeDataSha256);
        }
    }

    private static void require(String what, String file, String sha256) {
        if (!Files.exists(Path.of(file))) {
            throw new UserError("the " + what + " " + file + " of this run are gone; put them back");
        }
        if (!digest(Path.of(file)).equals(sha256)) {
            throw new UserError("the " + what + " " + file + " have changed since this run started; put the old ones "
                    + "back");
        }
    }

    /** SHA-256 of a model's weights, configuration and tokenizer, by file name. */
    public static Map<String, String> modelDigests(Path folder) {
        Map<String, String> digests = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.filter(f -> ModelFolder.isPartOfModel(f.getFileName().toString()))
                    .forEach(f -> digests.put(f.getFileName().toString(), digest(f)));
            return digests;
        } catch (IOException e) {
            throw new UserError("cannot read " + folder + ": " + e.getMessage(), e);
        }
    }

    private static String digest(Path path) {
        if (!Files.isDirectory(path)) {
            return digestOfFile(path);
        }
        StringBuilder names = new StringBuilder();
        for (Path file : DataFile.files(path)) { // what is read, and nothing else that may lie there
            names.append(path.relativize(file)).append(' ').append(digestOfFile(file)).append('\n');
        }
        return digest(new ByteArrayInputStream(names.toString().getBytes(StandardCharsets.UTF_8)), path);
    }

    private static String digestOfFile(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return digest(in, file);
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static String digest(InputStream in, Path file) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[BUFFER];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                sha256.update(buffer, 0, n);
            }
            return HexFormat.of().formatHex(sha256.digest());
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + e.getMessage(), e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}

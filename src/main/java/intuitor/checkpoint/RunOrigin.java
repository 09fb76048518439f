package intuitor.checkpoint;

import intuitor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
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

    /** How the base model is called in {@link #changed}. */
    public static final String MODEL = "the model";

    private static final String FILE = "origin.json";

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    /** The origin of a run that starts now; {@code evalData} and {@code probeData} may be null. */
    public static RunOrigin of(Path model, Path data, Path evalData, Path probeData, String isa) {
        return new RunOrigin(model.toString(), Digests.ofModel(model), data.toString(), Digests.of(data),
                evalData == null ? null : evalData.toString(), evalData == null ? null : Digests.of(evalData),
                probeData == null ? null : probeData.toString(), probeData == null ? null : Digests.of(probeData), isa);
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
        Map<String, String> now = Digests.ofModel(folder);
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

    /**
     * What is another than when the run started, so that a run that starts from these now would be another; they may
     * have moved.
     *
     * @param model  {@link Digests#ofModel} of the base model
     * @param digest {@link Digests#of}, or what it said before
     */
    public List<String> changed(Map<String, String> model, Path data, Path evalData, Path probeData,
                                Function<Path, String> digest) {
        List<String> changed = new ArrayList<>();
        if (!model.equals(modelSha256)) {
            changed.add(MODEL);
        }
        if (!digest.apply(data).equals(dataSha256)) {
            changed.add(data.toString());
        }
        if (evalData != null && !digest.apply(evalData).equals(evalDataSha256)) {
            changed.add(evalData.toString());
        }
        if (probeData != null && !digest.apply(probeData).equals(probeDataSha256)) {
            changed.add(probeData.toString());
        }
        return changed;
    }

    private static void require(String what, String file, String sha256) {
        if (!Files.exists(Path.of(file))) {
            throw new UserError("the " + what + " " + file + " of this run are gone; put them back");
        }
        if (!Digests.of(Path.of(file)).equals(sha256)) {
            throw new UserError("the " + what + " " + file + " have changed since this run started; put the old ones "
                    + "back");
        }
    }
}

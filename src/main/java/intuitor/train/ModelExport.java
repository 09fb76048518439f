package intuitor.train;

import intuitor.Json;
import intuitor.UserError;
import intuitor.checkpoint.AtomicFiles;
import intuitor.checkpoint.ModelFolder;
import intuitor.device.DType;
import intuitor.model.ParameterSet;
import intuitor.train.GrpoConfig.SaveDtype;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes a trained model as a Hugging Face folder: the base model's configuration and tokenizer with other weights. */
final class ModelExport {

    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private ModelExport() { }

    /**
     * @param base   folder whose settings are taken over
     * @param folder the writer's own, not published yet
     */
    static void write(Path base, ParameterSet weights, SaveDtype dtype, Path folder) {
        ModelFolder.copySettings(base, folder);
        declareDtype(folder.resolve("config.json"), dtype);
        weights.save(folder, DType.valueOf(dtype.name()));
    }

    /** config.json says how its weights are stored: under {@code dtype}, which older files call {@code torch_dtype}. */
    private static void declareDtype(Path config, SaveDtype dtype) {
        String name = switch (dtype) {
            case F32 -> "float32";
            case BF16 -> "bfloat16";
            case F16 -> "float16";
        };
        try {
            ObjectNode json = (ObjectNode) JSON.readTree(Files.readString(config));
            json.put(json.has("dtype") ? "dtype" : "torch_dtype", name);
            AtomicFiles.writeString(config, JSON.writeValueAsString(json) + "\n");
        } catch (IOException e) {
            throw UserError.of("cannot read " + config, e);
        } catch (JacksonException e) {
            throw new UserError(config + ": not valid JSON: " + Json.complaint(e), e);
        }
    }
}

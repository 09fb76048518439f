package intuitor.checkpoint;

import intuitor.UserError;
import intuitor.checkpoint.SafetensorsWriter.Entry;
import intuitor.device.Device;
import intuitor.device.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a checkpoint holds beside a model that anybody can load: where the run stood ({@code trainer_state.json}) and
 * the optimiser's tensors ({@code optimizer.safetensors}). The order of the data and the noise of every draw are
 * functions of the seed and the step, so no generator has a state to save.
 *
 * @param step          optimiser steps made
 * @param totalSteps    of the whole run, on which the learning rate depends
 * @param numTokens     tokens seen
 * @param seconds       time spent in steps
 * @param metricsBytes  length of metrics.jsonl; what a killed run wrote after that is cut off
 * @param momentUpdates updates that the optimiser's moments come from: fewer than were made once a run has gone back;
 *                      null in checkpoints of a time when none could
 */
public record TrainingState(int step, int totalSteps, long numTokens, double seconds, long metricsBytes,
                            Long momentUpdates) {

    private static final String STATE = "trainer_state.json";
    private static final String OPTIMIZER = "optimizer.safetensors";

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    /** Writes both files into a folder that is not published yet. */
    public void write(Path folder, List<Entry> tensors) {
        SafetensorsWriter.write(folder.resolve(OPTIMIZER), tensors, Map.of());
        AtomicFiles.writeString(folder.resolve(STATE), JSON.writeValueAsString(this) + "\n");
    }

    /** Where the run of this checkpoint stood; a {@link UserError} where that cannot be read. */
    public static TrainingState read(Path checkpoint) {
        Path file = checkpoint.resolve(STATE);
        try {
            return JSON.readValue(Files.readString(file), TrainingState.class);
        } catch (IOException | JacksonException e) {
            throw new UserError(checkpoint + " is not a checkpoint to resume from: " + STATE + " is missing or damaged",
                    e);
        }
    }

    /** Fills tensors from those of the same names in a checkpoint. */
    public static void loadTensors(Path checkpoint, Map<String, Tensor> tensors, Device device) {
        try (SafetensorsFile file = SafetensorsFile.open(checkpoint.resolve(OPTIMIZER))) {
            tensors.forEach((name, tensor) -> file.load(name, tensor, device));
        }
    }
}

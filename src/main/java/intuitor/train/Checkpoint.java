package intuitor.train;

import intuitor.checkpoint.AtomicFiles;
import intuitor.checkpoint.ModelFolder;
import intuitor.checkpoint.SafetensorsWriter;
import intuitor.checkpoint.TrainingState;
import intuitor.device.DType;
import intuitor.device.Device;
import intuitor.device.Tensor;
import intuitor.model.ParameterSet;
import intuitor.model.ParameterSpec;
import intuitor.model.TrainingWeights;
import intuitor.optim.AdamW;
import intuitor.train.GrpoConfig.SaveDtype;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A point of a run to go on from, bit for bit: the model as a Hugging Face folder, the optimiser's moments under the
 * parameters' names, where the model is stored in 16 bits the 32-bit parameters that training goes on with, and a
 * reference that moves with the policy.
 */
final class Checkpoint {

    private Checkpoint() { }

    /**
     * Publishes a checkpoint: it appears whole or not at all.
     *
     * @param reference where it moves with the policy; null where it is the frozen base, or there is none
     */
    static void write(Path folder, Path base, ParameterSet master, AdamW optimizer, ParameterSet reference,
                      SaveDtype dtype, TrainingState state, Device device) {
        List<SafetensorsWriter.Entry> tensors = state(master, optimizer, reference, dtype).entrySet().stream()
                .map(t -> SafetensorsWriter.Entry.of(t.getKey(), t.getValue(), DType.F32, device)).toList();
        AtomicFiles.writeFolder(folder, temporary -> {
            ModelExport.write(base, master, dtype, temporary);
            state.write(temporary, tensors);
        });
    }

    /** Puts the policy, the optimiser's moments and a reference that moves back as they were. */
    static TrainingState read(Path folder, TrainingWeights policy, AdamW optimizer, ParameterSet reference,
                              SaveDtype dtype, Device device) {
        TrainingState state = TrainingState.read(folder);
        if (dtype == SaveDtype.F32) {
            try (ModelFolder model = ModelFolder.open(folder)) {
                policy.master().load(model);
            }
        }
        TrainingState.loadTensors(folder, state(policy.master(), optimizer, reference, dtype), device);
        optimizer.momentsOf(state.momentUpdates() == null ? state.step() : state.momentUpdates());
        policy.update();
        return state;
    }

    /** The tensors of the training state, by name. */
    private static Map<String, Tensor> state(ParameterSet master, AdamW optimizer, ParameterSet reference,
                                             SaveDtype dtype) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (ParameterSpec spec : ParameterSet.specs(master.config())) {
            long[] shape = spec.shape().stream().mapToLong(Long::longValue).toArray();
            if (dtype != SaveDtype.F32) {
                tensors.put("parameter." + spec.name(), master.get(spec.name()));
            }
            if (reference != null) {
                tensors.put("reference." + spec.name(), reference.get(spec.name()));
            }
            tensors.put("exp_avg." + spec.name(), optimizer.mean().slice(spec.offset(), shape));
            tensors.put("exp_avg_sq." + spec.name(), optimizer.meanSquare().slice(spec.offset(), shape));
        }
        return tensors;
    }
}

package intuitor.model;

import intuitor.checkpoint.ModelFolder;
import intuitor.device.Arena;
import intuitor.device.DType;

/**
 * The weights of a model in training: master weights in fp32, which the optimiser moves and a checkpoint keeps, and the
 * working weights that the model computes with, which are the master's rounded to the storage type. Updates are often
 * smaller than what bf16 tells apart; added to fp32, none is lost. Where the storage type is F32, the two are one.
 */
public final class TrainingWeights {

    private final ParameterSet master;
    private final ParameterSet working;

    /** Zeros, in memory of the arena. */
    public TrainingWeights(Arena arena, ModelConfig config, DType dtype, String name) {
        this.master = new ParameterSet(arena, config, DType.F32, name);
        this.working = dtype == DType.F32 ? master : new ParameterSet(arena, config, dtype, "working " + name);
    }

    public ModelConfig config() {
        return master.config();
    }

    /** What the optimiser moves; {@link #update} makes a change of it visible to the model. */
    public ParameterSet master() {
        return master;
    }

    /** What the model computes with; it is only read. */
    public ParameterSet working() {
        return working;
    }

    /** Reads a Hugging Face folder, as {@link ParameterSet#load} does. */
    public void load(ModelFolder folder) {
        master.load(folder);
        update();
    }

    /** Random start, as {@link ParameterSet#initialize} makes it. */
    public void initialize(long seed, double std) {
        master.initialize(seed, std);
        update();
    }

    /** Rounds the master weights into the working ones, after the former have changed. */
    public void update() {
        if (working != master) {
            working.copyFrom(master);
        }
    }
}

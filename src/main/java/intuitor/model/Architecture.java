package intuitor.model;

/**
 * The decoder architectures this engine runs. They are one and the same pre-norm transformer (RMSNorm, rotate-half
 * RoPE, grouped-query attention, SwiGLU) and differ in two places only: around the query/key/value projection.
 */
public enum Architecture {
    /** Qwen2 and Qwen2.5: a bias on the query, key and value projections. */
    QWEN2("Qwen2ForCausalLM", "qwen2", true, false),
    /** Llama 3.x: no bias; rotary frequencies rescaled for long contexts. */
    LLAMA("LlamaForCausalLM", "llama", false, false),
    /** Qwen3: no bias; every query and key head is RMS-normalised before its rotation. */
    QWEN3("Qwen3ForCausalLM", "qwen3", false, true);

    private final String className;
    private final String modelType;
    private final boolean qkvBias;
    private final boolean qkNorm;

    Architecture(String className, String modelType, boolean qkvBias, boolean qkNorm) {
        this.className = className;
        this.modelType = modelType;
        this.qkvBias = qkvBias;
        this.qkNorm = qkNorm;
    }

    /** The class under "architectures" in config.json. */
    public String className() {
        return className;
    }

    /** "model_type" in config.json. */
    public String modelType() {
        return modelType;
    }

    /** Whether the query, key and value projections have a bias. */
    public boolean qkvBias() {
        return qkvBias;
    }

    /** Whether query and key heads are normalised before RoPE. */
    public boolean qkNorm() {
        return qkNorm;
    }
}

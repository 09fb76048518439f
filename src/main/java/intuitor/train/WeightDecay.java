package intuitor.train;

import intuitor.model.ModelConfig;
import intuitor.model.ParameterSet;
import intuitor.model.ParameterSpec;
import intuitor.optim.AdamW;
import java.util.List;

/** Which parameters weight decay acts on: matrices, but not norms and biases, as in transformers' Trainer. */
final class WeightDecay {
    private WeightDecay() { }

    static List<AdamW.Range> ranges(ModelConfig config) {
        return ParameterSet.specs(config).stream()
                .filter(spec -> spec.kind() == ParameterSpec.Kind.MATRIX)
                .map(spec -> new AdamW.Range(spec.offset(), spec.size()))
                .toList();
    }
}

package intuitor.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import intuitor.model.ReferenceModel.Shape;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The oracle itself: its gradients are those that finite differences see. */
class ReferenceModelTest {

    private static final int COORDINATES = 6;

    @ParameterizedTest
    @FieldSource("intuitor.model.TestModel#SHAPES")
    void gradientOfEveryParameterAgreesWithFiniteDifferences(Shape shape) {
        Random random = new Random(7);
        Map<String, double[]> parameters = new HashMap<>();
        for (ParameterSpec spec : ParameterSet.specs(TestModel.config(shape.json()))) {
            long rowSize = spec.shape().size() == 1 ? 1 : spec.shape().get(1);
            for (ParameterSpec.Part part : spec.parts()) {
                double centre = part.name().contains("norm") ? 1 : 0;
                parameters.put(part.name(),
                        random.doubles(part.rows() * rowSize, centre - 0.4, centre + 0.4).toArray());
            }
        }
        int[] sequence = random.ints(9, 0, shape.vocab()).toArray();
        double[] coefficient = random.doubles(8, -1, 1).toArray();
        ReferenceModel model = new ReferenceModel(shape, parameters);
        model.lossAndBackward(sequence, coefficient, 0.9);

        parameters.forEach((name, values) -> {
            for (int k = 0; k < COORDINATES; k++) {
                // of the embedding only the rows in use have a gradient that could be wrong
                int i = name.contains("embed") ? sequence[k] * shape.hidden() + k : random.nextInt(values.length);
                double h = 1e-5;
                double kept = values[i];
                values[i] = kept + h;
                double up = loss(shape, parameters, sequence, coefficient);
                values[i] = kept - h;
                double down = loss(shape, parameters, sequence, coefficient);
                values[i] = kept;
                assertEquals((up - down) / (2 * h), model.gradients().get(name)[i], 1e-7, name + "[" + i + "]");
            }
        });
    }

    /** By way of score(), which has no code in common with the loss that is differentiated. */
    private static double loss(Shape shape, Map<String, double[]> parameters, int[] sequence, double[] coefficient) {
        double[] logprob = new ReferenceModel(shape, parameters).score(sequence, 0.9, 1).logprob();
        double loss = 0;
        for (int t = 0; t < logprob.length; t++) {
            loss += coefficient[t] * logprob[t];
        }
        return loss;
    }
}

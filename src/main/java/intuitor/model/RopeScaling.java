package intuitor.model;

import intuitor.UserError;

/**
 * Llama 3's rescaling of rotary frequencies ("rope_type": "llama3"), which stretches a model trained on
 * {@code originalMaxPositions} tokens to longer contexts: wavelengths that fitted the original context many times are
 * kept, those that did not fit are stretched by {@code factor}, and those between are blended.
 *
 * @param factor               how far low frequencies are slowed down, 8 or 32 in the published models
 * @param lowFreqFactor        wavelengths above originalMaxPositions / lowFreqFactor are stretched in full
 * @param highFreqFactor       wavelengths below originalMaxPositions / highFreqFactor are kept
 * @param originalMaxPositions context length of the first training stage
 */
public record RopeScaling(double factor, double lowFreqFactor, double highFreqFactor, int originalMaxPositions) {

    public RopeScaling {
        if (!(factor >= 1) || !(lowFreqFactor > 0) || !(highFreqFactor > lowFreqFactor) || originalMaxPositions < 1) {
            throw new UserError("rope scaling makes no sense: factor " + factor + " (at least 1), low_freq_factor "
                    + lowFreqFactor + " < high_freq_factor " + highFreqFactor
                    + ", original_max_position_embeddings " + originalMaxPositions);
        }
    }

    /** The scaled form of an angular frequency (radians a position). */
    double scale(double frequency) {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < originalMaxPositions / highFreqFactor) {
            return frequency;
        }
        if (wavelength > originalMaxPositions / lowFreqFactor) {
            return frequency / factor;
        }
        double keep = (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
        return (1 - keep) * frequency / factor + keep * frequency;
    }
}

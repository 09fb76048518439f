package intuitor.bench;

import static intuitor.device.DType.F32;
import static intuitor.device.DType.I32;

import intuitor.device.Sampling;
import intuitor.device.Tensor;
import intuitor.device.VocabStats;
import java.util.stream.LongStream;

/** What drawing a token for each of some sequences takes and gives. */
final class Draws {

    private final Inputs in;
    final Sampling how;
    final Tensor sequence;
    final Tensor position;
    final Tensor token;
    final VocabStats out;

    Draws(Inputs in, int n, Sampling how) {
        this.in = in;
        this.how = how;
        sequence = in.longs(LongStream.range(0, n).toArray());
        position = in.indices(n, 1000);
        token = in.empty(I32, n);
        out = new VocabStats(null, in.empty(F32, n), in.empty(F32, n), in.empty(F32, n), null);
    }

    /** At temperature 1. */
    static Sampling unfiltered(int vocab) {
        return new Sampling(1, 0, 1, 0, vocab, 7);
    }

    void from(Tensor logits) {
        in.device().kernels().sample(token, out, logits, sequence, position, how, 1);
    }
}

package intuitor.device;

import java.util.ArrayList;
import java.util.List;

/**
 * The LM head, forward, a tile of the vocabulary at a time: the logits of some rows and some columns are multiplied,
 * reduced while they are in the cache, and overwritten by the next. So its memory does not depend on the width of the
 * head, and the weight is read once for as many rows as a tile has. What comes out has the bits of {@link
 * Kernels#vocabReduce} on whole rows, where the product has; where the weight's columns do not lie in one piece, a tile
 * is all of them.
 */
public final class TiledHead implements HeadForward {

    /** Of a tile. 256 rows of 16384 columns on the CPU; on a GPU twice that, in its second-level cache. */
    private static final long BYTES = 16 << 20;
    private static final long BYTES_GPU = 32 << 20;
    /** Where a tile is all of a wide head. */
    private static final long MIN_ROWS = 64;

    private final Blas blas;
    private final Kernels kernels;
    private final PackedMatrix weight;
    private final List<PackedMatrix> tiles;
    private final long rows;
    private final Tensor logits;
    private final Tensor state;

    /**
     * @param arena  takes the logits of a tile, and what is known of the rows
     * @param weight [V,H] as the right factor of products, from {@link Blas#pack} or {@link Blas#unpacked}
     * @param rows   that will be asked for at a time, at most; fewer will be taken if that is much
     */
    public TiledHead(Arena arena, PackedMatrix weight, long rows) {
        this(arena, weight, rows, Kernels.VOCAB_SEGMENT);
    }

    /** @param width of the tiles, a multiple of {@link Kernels#VOCAB_SEGMENT} */
    public TiledHead(Arena arena, PackedMatrix weight, long rows, long width) {
        this.blas = arena.device().blas();
        this.kernels = arena.device().kernels();
        this.weight = weight;
        this.tiles = tiles(width);
        long widest = tiles.getFirst().columns();
        long bytes = arena.device().info().isGpu() ? BYTES_GPU : BYTES;
        this.rows = Math.min(rows, Math.max(MIN_ROWS, bytes / (widest * Float.BYTES)));
        this.logits = arena.allocate("logits", DType.F32, blas.paddedRows(this.rows) * widest);
        this.state = Kernels.vocabState(arena, this.rows);
    }

    private List<PackedMatrix> tiles(long width) {
        List<PackedMatrix> parts = new ArrayList<>();
        for (long first = 0; first < weight.columns(); first += width) {
            PackedMatrix part = blas.columns(weight, first, Math.min(width, weight.columns() - first));
            if (part == null) {
                return List.of(weight);
            }
            parts.add(part);
        }
        return parts;
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public void reduce(VocabStats out, Tensor hidden, Tensor targets, double temperature, double certaintyTemperature) {
        boolean two = out.selfCertainty() != null && (out.lse() != null || out.logprob() != null
                || out.entropy() != null);
        double main = two || out.selfCertainty() == null ? temperature : certaintyTemperature;
        double certainty = two ? certaintyTemperature : main;
        long n = targets.size();
        long m = weight.isPacked() ? blas.paddedRows(n) : n;
        long first = 0;
        for (PackedMatrix tile : tiles) {
            Tensor z = logits.slice(0, m, tile.columns());
            blas.gemm(z, hidden.rows(0, m), tile);
            kernels.vocabAccumulate(state.rows(0, n), z.rows(0, n), first, targets, main, certainty);
            first += tile.columns();
        }
        kernels.vocabFinish(out, state.rows(0, n), main, certainty, first);
    }
}

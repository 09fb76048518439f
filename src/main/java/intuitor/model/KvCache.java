package intuitor.model;

import intuitor.device.Arena;
import intuitor.device.DType;
import intuitor.device.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The keys and values of tokens already seen: for each layer two matrices [pages pageSize, Hkv D], one row a token. A
 * page is as many consecutive rows; the caller decides which sequence has which pages.
 */
public final class KvCache {

    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();
    private final int pages;
    private final int pageSize;

    /** A cache with undefined contents, in memory of the arena, of the storage type of the model's activations. */
    public KvCache(Arena arena, ModelConfig config, DType dtype, int pages, int pageSize) {
        this.pages = pages;
        this.pageSize = pageSize;
        long rows = Math.multiplyExact(pages, pageSize); // the device numbers them with 32 bits
        arena.expect(bytesPerRow(config, dtype) * rows);
        for (int i = 0; i < config.layers(); i++) {
            keys.add(arena.allocate("keys of layer " + i, dtype, rows, config.kvWidth()));
            values.add(arena.allocate("values of layer " + i, dtype, rows, config.kvWidth()));
        }
    }

    /** Memory that one row takes in all layers. */
    public static long bytesPerRow(ModelConfig config, DType dtype) {
        return 2L * config.layers() * config.kvWidth() * dtype.bytes();
    }

    public int pages() {
        return pages;
    }

    /** Rows of a page, each for one token. */
    public int pageSize() {
        return pageSize;
    }

    Tensor keys(int layer) {
        return keys.get(layer);
    }

    Tensor values(int layer) {
        return values.get(layer);
    }
}

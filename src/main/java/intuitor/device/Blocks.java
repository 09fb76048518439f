package intuitor.device;

import java.util.ArrayList;
import java.util.List;

/**
 * The memory behind one root {@link Arena}: large blocks taken from the device, handed out by bumping an offset and
 * given back by resetting it to a mark.
 *
 * <p>Blocks are kept when a scope closes, so a loop that allocates the same things again touches no allocator. If a
 * scope needed several blocks, they are freed when it closes, and the next block holds what was in use at the peak:
 * from the second round on everything lies in one block and nothing is lost at block ends.
 */
final class Blocks {

    /** Bytes; what begins at a multiple of it does so in every run. */
    static final long ALIGNMENT = 64;
    private static final long SMALLEST = 1 << 20;
    /** Tests set the property so low that every tensor is a block, and a memory checker sees where it ends. */
    private static final long SMALLEST_BLOCK = Long.getLong("intuitor.arena.block", SMALLEST);
    /** Of blocks that grow with what is held. */
    private static final long LARGEST_GROWTH = 256 << 20;

    private record Block(long address, long bytes) {
    }

    /** A place in the blocks to reset to. */
    record Mark(int block, long offset, long used) {
    }

    private final NativeApi api;
    private final String arenaName;
    private final List<Block> blocks = new ArrayList<>();
    private int current = -1; // index of the block being filled; -1 before the first
    private long offset; // first free byte of the current block
    private long used; // bytes handed out
    private long peak; // largest value of used
    private long held; // bytes of all blocks
    private long nextBlock; // least size of the next block
    private long changes; // of the list of blocks

    Blocks(NativeApi api, String arenaName) {
        this.api = api;
        this.arenaName = arenaName;
    }

    /** The address of {@code bytes} bytes, 64-byte aligned; never 0, for no bytes either. */
    long allocate(long bytes, String what) {
        long rounded = roundUp(Math.max(bytes, 1), ALIGNMENT);
        if (current < 0 || offset + rounded > blocks.get(current).bytes()) {
            advance(rounded, what);
        }
        long address = blocks.get(current).address() + offset;
        offset += rounded;
        used += rounded;
        peak = Math.max(peak, used);
        return address;
    }

    /** Makes the next block with room the current one. */
    private void advance(long bytes, String what) {
        int next = current + 1;
        if (next == blocks.size() || blocks.get(next).bytes() < bytes) {
            // a whole number of such tensors: often others of the same size follow
            long growth = Math.max(SMALLEST_BLOCK, Math.min(held / 8, LARGEST_GROWTH)) / bytes * bytes;
            long size = Math.max(Math.max(bytes, nextBlock), growth);
            nextBlock = 0;
            blocks.add(next, new Block(api.allocate(size, "arena '" + arenaName + "' (" + what + ")"), size));
            held += size;
            changes++;
        }
        current = next;
        offset = 0;
    }

    /** Makes the next block at least so large, if one is needed for so many bytes. */
    void expect(long bytes) {
        boolean fits = current >= 0 && offset + bytes <= blocks.get(current).bytes()
                || current + 1 < blocks.size() && bytes <= blocks.get(current + 1).bytes();
        if (!fits && SMALLEST_BLOCK == SMALLEST) { // tests that want small blocks want each tensor by itself
            nextBlock = Math.max(nextBlock, bytes);
        }
    }

    Mark mark() {
        return new Mark(current, offset, used);
    }

    void reset(Mark mark) {
        current = mark.block();
        offset = mark.offset();
        used = mark.used();
        if (blocks.size() - 1 - current > 1) {
            free(current + 1);
            nextBlock = peak - used;
        }
    }

    void freeAll() {
        free(0);
        current = -1;
        offset = 0;
        used = 0;
    }

    /** Frees the blocks from an index on. */
    private void free(int from) {
        while (blocks.size() > from) {
            Block last = blocks.removeLast();
            held -= last.bytes();
            changes++;
            api.free(last.address(), last.bytes());
        }
    }

    long used() {
        return used;
    }

    long peak() {
        return peak;
    }

    long held() {
        return held;
    }

    /** How often a block was taken or freed. */
    long changes() {
        return changes;
    }

    private static long roundUp(long bytes, long unit) {
        return Math.addExact(bytes, unit - 1) / unit * unit;
    }
}

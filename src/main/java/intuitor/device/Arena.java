package intuitor.device;

/**
 * Owns device memory. Tensors are allocated one after the other and live until the arena that gave them closes; there
 * is no way to free a single one.
 *
 * <p>A {@link #scope} is a child for what is needed for a while: closing it gives its memory back to the parent. Scopes
 * are last in, first out, and only the innermost open one allocates. Under {@link Checks}, new memory holds NaN
 * bit patterns and the use of a tensor whose arena is closed is an {@link IllegalStateException}.
 */
public final class Arena implements AutoCloseable {

    private final Device device;
    private final String name;
    private final Arena parent; // null: a root, which owns the blocks
    private final Blocks blocks;
    private final Blocks.Mark mark;
    private Arena child; // the open scope, if any
    private boolean closed;

    Arena(Device device, String name) {
        this(device, name, null, new Blocks(device.api(), name));
    }

    private Arena(Device device, String name, Arena parent, Blocks blocks) {
        this.device = device;
        this.name = name;
        this.parent = parent;
        this.blocks = blocks;
        this.mark = blocks.mark();
    }

    public Device device() {
        return device;
    }

    /** A tensor at a 64-byte boundary, its contents undefined. */
    public Tensor allocate(String name, DType dtype, long... shape) {
        if (closed) {
            throw new IllegalStateException("arena '" + this.name + "' is closed: cannot allocate " + name);
        }
        if (child != null) {
            throw new IllegalStateException("arena '" + this.name + "' has an open scope '" + child.name
                    + "': only the innermost scope allocates (" + name + ")");
        }
        long bytes = Math.multiplyExact(Tensor.sizeOf(shape), dtype.bytes());
        Tensor tensor = new Tensor(this, name, dtype, blocks.allocate(bytes, name), shape.clone());
        if (Checks.ENABLED) {
            device.poison(tensor);
        }
        return tensor;
    }

    /** A tensor of zeros. */
    public Tensor zeros(String name, DType dtype, long... shape) {
        Tensor tensor = allocate(name, dtype, shape);
        device.zero(tensor);
        return tensor;
    }

    /** An int32 vector with these values. */
    public Tensor upload(String name, int[] values) {
        Tensor tensor = allocate(name, DType.I32, values.length);
        device.upload(tensor, values);
        return tensor;
    }

    /** An int64 vector with these values. */
    public Tensor upload(String name, long[] values) {
        Tensor tensor = allocate(name, DType.I64, values.length);
        device.upload(tensor, values);
        return tensor;
    }

    /** An fp32 tensor with these values; without a shape, a vector. */
    public Tensor upload(String name, float[] values, long... shape) {
        Tensor tensor = allocate(name, DType.F32, shape.length == 0 ? new long[] {values.length} : shape);
        device.upload(tensor, values);
        return tensor;
    }

    /** Announces that about so many bytes will be allocated: they are taken as one block. */
    public void expect(long bytes) {
        blocks.expect(bytes);
    }

    /** A child whose memory comes back to this arena when it closes. */
    public Arena scope(String name) {
        if (closed || child != null) {
            throw new IllegalStateException("arena '" + this.name + "' "
                    + (closed ? "is closed" : "has an open scope '" + child.name + "'") + ": cannot open " + name);
        }
        child = new Arena(device, name, this, blocks);
        return child;
    }

    /** Bytes handed out now, by this arena, its parents and its scopes together. */
    public long usedBytes() {
        return blocks.used();
    }

    /** The largest that {@link #usedBytes} has been. */
    public long peakBytes() {
        return blocks.peak();
    }

    /** What is taken from the device, whether it is in use or not. */
    public long heldBytes() {
        return blocks.held();
    }

    /**
     * How often memory was taken from the device or given back, by this arena and its relatives. As long as the number
     * stays the same, a scope of this arena that allocates what an earlier one did gets the same addresses.
     */
    public long blockChanges() {
        return blocks.changes();
    }

    /** Gives the memory back. Open scopes are closed first; closing twice does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (child != null) {
            child.close();
        }
        closed = true;
        if (parent != null) {
            parent.child = null;
            blocks.reset(mark);
        } else {
            blocks.freeAll();
            device.forget(this);
        }
    }

    /** Throws if a tensor of this arena may not be used now. */
    void requireUsable(Tensor tensor) {
        if (closed) {
            throw new IllegalStateException(tensor + " is used after its arena '" + name + "' was closed");
        }
        device.requireThread();
    }

    @Override
    public String toString() {
        return "arena '" + name + "'";
    }
}

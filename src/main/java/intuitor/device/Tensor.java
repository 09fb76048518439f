package intuitor.device;

import java.util.Arrays;

/**
 * A contiguous row-major array in a device's memory: a name, a type, a shape, an address and the {@link Arena} that
 * owns the storage. Immutable (its elements are not); slices and views share the storage and its lifetime.
 */
public final class Tensor {

    private final Arena owner;
    private final String name;
    private final DType dtype;
    private final long[] shape;
    private final long size;
    private final long address;

    Tensor(Arena owner, String name, DType dtype, long address, long... shape) {
        this.owner = owner;
        this.name = name;
        this.dtype = dtype;
        this.shape = shape;
        this.size = sizeOf(shape);
        this.address = address;
    }

    public String name() {
        return name;
    }

    public DType dtype() {
        return dtype;
    }

    public int rank() {
        return shape.length;
    }

    /** Length of dimension i. */
    public long dim(int i) {
        return shape[i];
    }

    public long[] shape() {
        return shape.clone();
    }

    /** Number of elements. */
    public long size() {
        return size;
    }

    public long bytes() {
        return size * dtype.bytes();
    }

    /** Rows [from, from + count) of the first dimension. */
    public Tensor rows(long from, long count) {
        if (from < 0 || count < 0 || from > shape[0] - count) {
            throw new IllegalArgumentException(this + " has no rows [" + from + ", " + (from + count) + ")");
        }
        long[] rows = shape.clone();
        rows[0] = count;
        long rowSize = 1;
        for (int i = 1; i < shape.length; i++) {
            rowSize *= shape[i];
        }
        return new Tensor(owner, name, dtype, address + from * rowSize * dtype.bytes(), rows);
    }

    /** The same storage and size under another shape. */
    public Tensor view(long... shape) {
        if (sizeOf(shape) != size) {
            throw new IllegalArgumentException(this + " cannot be seen as " + Arrays.toString(shape));
        }
        return new Tensor(owner, name, dtype, address, shape.clone());
    }

    /** A tensor of the given shape that starts at an element of this one (flat index). */
    public Tensor slice(long elementOffset, long... shape) {
        if (elementOffset < 0 || elementOffset > size - sizeOf(shape)) {
            throw new IllegalArgumentException(
                    this + " has no " + Arrays.toString(shape) + " at element " + elementOffset);
        }
        return new Tensor(owner, name, dtype, address + elementOffset * dtype.bytes(), shape.clone());
    }

    /** The same storage under another name, for messages. */
    public Tensor named(String name) {
        return new Tensor(owner, name, dtype, address, shape);
    }

    /** Name, type and shape, as in {@code q_proj F32[2048, 2048]}. */
    @Override
    public String toString() {
        return name + " " + dtype + Arrays.toString(shape);
    }

    /** The device address; under {@link Checks}, only while the owner is open and on the device's thread. */
    long address() {
        if (Checks.ENABLED) {
            owner.requireUsable(this);
        }
        return address;
    }

    Arena owner() {
        return owner;
    }

    static long sizeOf(long... shape) {
        long size = 1;
        for (long d : shape) {
            if (d < 0) {
                throw new IllegalArgumentException("negative dimension in " + Arrays.toString(shape));
            }
            size = Math.multiplyExact(size, d);
        }
        return size;
    }
}

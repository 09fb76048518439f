package intuitor.checkpoint;

import java.util.Arrays;

/**
 * A tensor as a safetensors header describes it.
 *
 * @param begin first byte, counted from the end of the header
 * @param end byte after the last, likewise
 */
public record TensorEntry(String name, SafetensorsType type, long[] shape, long begin, long end) {

    public long bytes() {
        return end - begin;
    }

    @Override
    public String toString() {
        return "tensor '" + name + "' " + type + Arrays.toString(shape);
    }
}

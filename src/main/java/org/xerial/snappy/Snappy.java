package org.xerial.snappy;

import java.io.IOException;
import java.nio.BufferOverflowException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * Decompresses snappy's raw format (google/snappy, format_description.txt), under the name by which hardwood looks for
 * snappy-java.
 *
 * <p>It stands in for that library because data sets come from the network: snappy-java writes as many bytes as the
 * compressed data say, whatever the size of the buffer, so that a crafted parquet file could overwrite memory. It would
 * also add 2 MB and unpack a native library into the temporary folder. Here every access is checked.
 */
public final class Snappy {

    private static final int LITERAL = 0;
    private static final int COPY_1 = 1;
    private static final int COPY_2 = 2;
    private static final int LONGEST_INLINE_LITERAL = 60;
    private static final int VARINT_BYTES = 5;

    private Snappy() { }

    /**
     * Decompresses the remaining bytes of one buffer into another, from its position on.
     *
     * @return number of bytes written; the output's limit is set behind them
     */
    public static int uncompress(ByteBuffer compressed, ByteBuffer uncompressed) throws IOException {
        ByteBuffer in = compressed.duplicate();
        ByteBuffer out = uncompressed.duplicate();
        int start = out.position();
        try {
            long length = varint(in);
            if (length > out.remaining()) {
                throw new IOException("snappy data of " + length + " bytes, where " + out.remaining()
                        + " were announced");
            }
            out.limit(start + (int) length);
            while (in.hasRemaining()) {
                element(in, out, start);
            }
            if (out.hasRemaining()) {
                throw new IOException("snappy data end early");
            }
            uncompressed.limit(out.position());
            return (int) length;
        } catch (BufferUnderflowException | BufferOverflowException e) {
            throw new IOException("damaged snappy data", e);
        }
    }

    private static long varint(ByteBuffer in) throws IOException {
        long value = 0;
        for (int i = 0; i < VARINT_BYTES; i++) {
            int b = in.get();
            value |= (b & 0x7FL) << (7 * i);
            if (b >= 0) {
                return value;
            }
        }
        throw new IOException("damaged snappy data");
    }

    private static void element(ByteBuffer in, ByteBuffer out, int start) throws IOException {
        int tag = in.get() & 0xFF;
        int upper = tag >>> 2;
        switch (tag & 3) {
            case LITERAL -> literal(in, out, upper < LONGEST_INLINE_LITERAL ? upper + 1L
                    : 1 + unsigned(in, upper - LONGEST_INLINE_LITERAL + 1));
            case COPY_1 -> copy(out, start, (upper & 7) + 4, (long) (upper >>> 3) << 8 | in.get() & 0xFF);
            case COPY_2 -> copy(out, start, upper + 1, unsigned(in, 2));
            default -> copy(out, start, upper + 1, unsigned(in, 4));
        }
    }

    private static long unsigned(ByteBuffer in, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (in.get() & 0xFFL) << (8 * i);
        }
        return value;
    }

    private static void literal(ByteBuffer in, ByteBuffer out, long length) {
        if (length > in.remaining()) {
            throw new BufferUnderflowException();
        }
        out.put(in.slice(in.position(), (int) length));
        in.position(in.position() + (int) length);
    }

    /** Repeats what was written {@code offset} bytes ago; the two may overlap. */
    private static void copy(ByteBuffer out, int start, int length, long offset) throws IOException {
        if (offset == 0 || offset > out.position() - start) {
            throw new IOException("damaged snappy data");
        }
        int from = out.position() - (int) offset;
        for (int i = 0; i < length; i++) {
            out.put(out.get(from + i));
        }
    }
}

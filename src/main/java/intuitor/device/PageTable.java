package intuitor.device;

/**
 * Where the rows of a paged cache are: row r of a segment is row {@code pages[r / pageSize] * pageSize + r % pageSize}
 * of the matrices of keys and values.
 *
 * @param pages    int32 [entries], in device memory
 * @param pageSize rows of a page
 */
public record PageTable(Tensor pages, int pageSize) { }

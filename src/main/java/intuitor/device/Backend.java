package intuitor.device;

import intuitor.UserError;

/** A device library ready for use, with the matrix multiplication that goes with it. */
record Backend(NativeApi api, Blas blas) {

    static Backend open(String kind, int threads) {
        throw new UserError("device " + kind + " is not available");
    }
}

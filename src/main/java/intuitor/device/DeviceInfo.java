package intuitor.device;

/**
 * What a device says about itself.
 *
 * @param kind        "cpu", "cuda", or, in tests, "emu": the CUDA kernels on an emulated device
 * @param name        "AMD EPYC ..." or "NVIDIA H200"
 * @param isa         kernels chosen at run time: "avx512", "avx2", "portable", "sm_90a"
 * @param memoryBytes total memory of the device
 * @param threads     CPU threads in use, or multiprocessors
 * @param bf16Dot     whether the device multiplies bf16 natively
 */
public record DeviceInfo(String kind, String name, String isa, long memoryBytes, int threads, boolean bf16Dot) {

    /** Whether it is a GPU, be it an emulated one. */
    public boolean isGpu() {
        return !kind.equals("cpu");
    }

    /**
     * What the bits of a result depend on beside its inputs: the instruction set, and on a GPU its model, because the
     * library that multiplies matrices goes by that.
     */
    public String arithmetic() {
        return isGpu() ? isa + " of " + name : isa;
    }
}

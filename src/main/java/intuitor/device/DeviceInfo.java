package intuitor.device;

/**
 * What a device says about itself.
 *
 * @param kind        "cpu" or "cuda"
 * @param name        "AMD EPYC ..." or "NVIDIA H200"
 * @param isa         kernels chosen at run time: "avx512", "avx2", "portable", "sm_90a"
 * @param memoryBytes total memory of the device
 * @param threads     CPU threads in use, or multiprocessors
 * @param bf16Dot     whether the device multiplies bf16 natively
 */
public record DeviceInfo(String kind, String name, String isa, long memoryBytes, int threads, boolean bf16Dot) {
}

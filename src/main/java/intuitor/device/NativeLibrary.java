package intuitor.device;

/** The native libraries that may be loaded, each with the folder of the class path that carries it. */
enum NativeLibrary {
    CPU("libintuitor_cpu.so", NativeLibrary.OURS),
    CUDA("libintuitor_cuda.so", NativeLibrary.OURS),
    /** The CUDA kernels on an emulated device, for tests; not in the jar. */
    EMULATION("libintuitor_emu.so", NativeLibrary.OURS),
    OPENMP("libgomp.so.1", NativeLibrary.DNNL_JAR),
    /** oneDNN is linked to it and never calls it on a CPU; ours is a stand-in for machines without one. */
    OPENCL("libOpenCL.so.1", NativeLibrary.OURS),
    ONEDNN("libdnnl.so.3", NativeLibrary.DNNL_JAR),
    /** Hugging Face's tokenizers with DJL's JNI functions. */
    TOKENIZERS("libtokenizers.so", NativeLibrary.TOKENIZERS_JAR);

    private static final String OURS = "native/linux-x86_64/";
    private static final String DNNL_JAR = "org/bytedeco/dnnl/linux-x86_64/";
    private static final String TOKENIZERS_JAR = "native/lib/linux-x86_64/cpu/";

    private final String fileName;
    private final String folder;

    NativeLibrary(String fileName, String folder) {
        this.fileName = fileName;
        this.folder = folder;
    }

    String fileName() {
        return fileName;
    }

    String resource() {
        return folder + fileName;
    }
}

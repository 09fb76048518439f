package intuitor.device;

import java.util.List;
import java.util.stream.Collectors;

/** NVIDIA's libraries that are loaded at run time. They belong to the CUDA toolkit and never to this program. */
enum CudaLibrary {
    /** Matrix products; what is called of it is the same in both versions. */
    CUBLASLT("libcublasLt.so", List.of(13, 12), "no GPU can be used without it",
            "apt-get install -y libcublas-13-0 (NVIDIA's Debian packages) or pip install nvidia-cublas"),
    /** Attention, where it is asked for ({@link CudnnAttention}). */
    CUDNN("libcudnn.so", List.of(9), "needed for --attention cudnn only",
            "apt-get install -y libcudnn9-cuda-13 (NVIDIA's Debian packages) or pip install nvidia-cudnn-cu13"),
    /** What cuDNN compiles some of its kernels with, when they are first needed; this program calls nothing of it. */
    NVRTC("libnvrtc.so", List.of(13, 12), "needed by cuDNN only",
            "apt-get install -y cuda-nvrtc-13-0 (NVIDIA's Debian packages) or pip install nvidia-cuda-nvrtc");

    private final String stem;
    private final List<Integer> versions;
    private final String purpose;
    private final String remedy;

    CudaLibrary(String stem, List<Integer> versions, String purpose, String remedy) {
        this.stem = stem;
        this.versions = versions;
        this.purpose = purpose;
        this.remedy = remedy;
    }

    /** Its names, the one to prefer first: {@code libcublasLt.so.13}, {@code libcublasLt.so.12}. */
    List<String> fileNames() {
        return versions.stream().map(version -> stem + "." + version).toList();
    }

    /** Its names in a sentence. */
    String namesInWords() {
        return fileNames().stream().collect(Collectors.joining(" or "));
    }

    /** What it is needed for. */
    String purpose() {
        return purpose;
    }

    /** How to get it. */
    String remedy() {
        return remedy;
    }
}

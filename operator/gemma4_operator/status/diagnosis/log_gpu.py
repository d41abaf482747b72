"""What logs say of GPUs: broken, missing, of the wrong generation, or unable to reach each other."""

from typing import Final

from gemma4_operator.status.diagnosis.rules import Rule, text_like
from gemma4_operator.status.reasons import Reason

FAULTS: Final = (
    Rule(
        Reason.GPU_HARDWARE_FAULT,
        "CUDA's errors 214 and 719 (cudaErrorECCUncorrectable), NVML's GPU_IS_LOST, and the driver's Xid; 13, 31, 43 "
        "and 45 are a program's own faults (docs.nvidia.com/deploy/xid-errors)",
        text_like(
            r"uncorrectable (?:ECC|NVLink|memory)|ECC error|GPU is lost|GPU_IS_LOST"
            r"|unable to determine the device handle|fallen off the bus"
            r"|GPU requires re(?:set|boot)|\bXid\b[^:]{0,60}:? ?(?!\D{0,20}(?:13|31|43|45)\b)\D{0,20}\d{1,3}\b"
            r"|NVLink error|hardware stack error|row[- ]remap\w* fail"
        ),
        chatter=True,
    ),
    Rule(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "NCCL's shmutils.cc, PyTorch's shared tensors, and the kernel's SIGBUS",
        text_like(
            r"/dev/shm\b.{0,200}(?:no space|fail|too small|insufficient|exhaust|error|not enough)"
            r"|(?:no space|fail|too small|insufficient|exhaust|not enough|error).{0,120}/dev/shm\b"
            r"|insufficient shared memory|out of shared memory|unable to (?:open|allocate|write|resize|mmap)[^.]{0,60}"
            r"(?:shared memory|</?torch_|</?psm_)|shared memory (?:object )?.{0,60}no space|\bBus error\b|\bSIGBUS\b"
        ),
    ),
)

DEVICES: Final = (
    Rule(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "CUDA's errors 35, 222, 803 and 804, NVML's version mismatch, PyTorch's and NIM's words for them",
        text_like(
            r"unsupported display driver|driver version is insufficient|driver/library version mismatch"
            r"|forward compatibility was attempted|driver on your system is too old|unsatisfied condition: cuda"
            r"|driver not loaded|built for NVIDIA Driver Release|unsupported toolchain"
            r"|please update your (?:GPU )?driver|\berror 80[34]\b"
            r"|cudaErrorInsufficientDriver|cudaErrorSystemDriverMismatch|cudaErrorCompatNotSupported"
            r"|driver (?:version )?\S{0,20} ?(?:is )?(?:too old|not supported|older than)|requires? (?:NVIDIA )?driver"
        ),
    ),
    Rule(
        Reason.GPU_RUNTIME_MISSING,
        "PyTorch, vLLM, NIM and ggml in a container without a GPU",
        text_like(
            r"failed to infer device type|found no NVIDIA driver|libcuda\.so\S{0,6}: cannot open"
            r"|no CUDA GPUs are available"
            r"|no CUDA-capable device|libnvidia-ml\.so\S{0,6}: cannot open|NVIDIA driver was not detected"
            r"|failed to detect NVIDIA driver"
            r"|device string must not be empty|failed to initialize NVML|could not select device driver"
            r"|nvidia-smi\S{0,2}:? .{0,20}not found"
            r"|no (?:NVIDIA )?GPUs? (?:was |were |is |are )?(?:detected|found|available)"
            r"|detected 0 GPUs?|torch not compiled with CUDA|cudaErrorNoDevice|CUDA_ERROR_NO_DEVICE"
        ),
        unless=text_like(r"free GPUs"),
    ),
    Rule(
        Reason.GPU_RUNTIME_MISSING,
        "NVML's own words, where nothing else is said",
        text_like(r"NVML Shared Library Not Found|NVML_ERROR_LIBRARY_NOT_FOUND|NVMLError_LibraryNotFound"),
        chatter=True,
    ),
    Rule(
        Reason.HARDWARE_UNSUPPORTED,
        "vLLM's checks of the compute capability, CUDA's error 209, Triton, ptxas, ggml and the processor's SIGILL",
        text_like(
            r"not supported (?:for|on|by) (?:the |this |your )?(?:current )?(?:GPU|device|platform|hardware|CPU)"
            r"|compute capability|minimum capability|no kernel image is available|device kernel image is invalid"
            r"|not compatible with the current PyTorch|not supported in this architecture|no device code compatible"
            r"|is not defined for option 'gpu-name'|unsupported (?:gpu|cuda|cpu) ?arch|illegal instruction"
            r"|\bSIGILL\b|does(?:n't| not) support (?:bf16|bfloat16|fp8|nvfp4|mxfp4|int4|AVX)"
            r"|(?:requires?|only supported on|needs?) (?:a |an |NVIDIA )*(?:Hopper|Blackwell|Ampere|Ada|Turing"
            r"|SM ?_?\d+|AVX)"
            r"|no valid attention backend|failed to find a kernel that can implement|cudaErrorNoKernelImageForDevice"
            r"|(?:fp8|fp4|nvfp4|mxfp4|bf16|bfloat16|int8|awq|marlin)\w*\b.{0,80} (?:is|are) not supported (?:on|by|for)"
            r"|no \S{2,20} (?:MoE )?backend supports|requires (?:x86-64-v\d|avx)|unsupported GPU"
        ),
        unless=text_like(
            r"^.{0,60}?(?-i:\bWARN(?:ING)?\b)|found \d+ CUDA devices|Device \d+:|supported for quantization method|NCCL"
        ),
    ),
)

INTERCONNECT: Final = (
    Rule(
        Reason.NCCL_FAILURE,
        "NCCL's results and PyTorch's distributed backend; CUDA's 802 is a fabric manager that does not run",
        text_like(
            r"DistBackendError|NCCL error|nccl(?:Unhandled|System|Internal|Remote|Invalid)\w*|NCCL failure"
            r"|collective operation timeout|system not yet initialized|\berror 802\b|fabric manager"
            r"|peer access is not supported|custom_all_reduce\.cuh"
        ),
        also=text_like(r"cuda failure|NCCL WARN"),
    ),
    Rule(
        Reason.NCCL_FAILURE,
        "PyTorch's rendezvous of several processes",
        text_like(r"DistNetworkError|client socket has (?:failed|timed out)|TCPStore|NCCL WARN"),
    ),
)

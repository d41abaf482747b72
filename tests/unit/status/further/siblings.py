# ruff: noqa: E501  -- lines of programs stand as they are printed
"""One case for each pattern beside those of the other tables."""

from gemma4_operator.status.reasons import Reason
from tests.unit.status.failures import (
    crash,
    failed,
    image,
    job,
    pending,
    running,
    unmade,
)

SIBLINGS = (
    crash(
        Reason.GPU_MEMORY_IN_USE,
        "ValueError: Free memory on device (5.2/15.74 GiB) on startup is less than desired GPU memory utilization (0.9, 14.17 GiB).",
    ),
    crash(
        Reason.GPU_OUT_OF_MEMORY,
        "CUDA error: out of memory",
        "  current device: 0, in function alloc at ggml-cuda.cu:500",
    ),
    running(
        Reason.GPU_OUT_OF_MEMORY,
        'time=2026 level=ERROR source=sched.go:456 msg="error loading llama server" error="llama runner process has terminated: cudaMalloc failed: out of memory"',
    ),
    crash(
        Reason.GPU_OUT_OF_MEMORY, "[TensorRT-LLM][ERROR] CUDA runtime error in ::cudaMallocAsync(ptr, n): out of memory"
    ),
    crash(
        Reason.KV_CACHE_TOO_SMALL,
        "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache",
    ),
    crash(Reason.HARDWARE_UNSUPPORTED, "ValueError: Unsupported GPU: compute capability 7.0 is below the required 7.5"),
    crash(Reason.HARDWARE_UNSUPPORTED, "NotImplementedError: FlashInfer requires SM90 or newer for this kernel"),
    crash(
        Reason.HARDWARE_UNSUPPORTED,
        "NVIDIA GB10 with CUDA capability sm_121 is not compatible with the current PyTorch installation.",
        "RuntimeError: CUDA error: no kernel image is available for execution on the device",
    ),
    crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "Error: unable to load model: /root/.ollama/models/blobs/sha256-abc",
        "llama_model_load: error loading model: unknown model architecture: 'gemma4'",
    ),
    running(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        'time=x level=INFO source=sched.go msg="Load failed" error="error loading model architecture: unknown model architecture: \'gemma4\'"',
    ),
    crash(
        Reason.CREDENTIALS_INVALID,
        "OSError: You are trying to access a gated repo.",
        "Make sure to have access to it at https://huggingface.co/google/gemma-4-31B-it.",
        "401 Client Error. (Request ID: Root=1)",
    ),
    crash(
        Reason.CREDENTIALS_INVALID,
        "Error: HTTP status client error (401 Unauthorized) for url (https://api.ngc.nvidia.com/v2/org/nim)",
    ),
    crash(
        Reason.MODEL_ACCESS_DENIED,
        "Error: HTTP status client error (403 Forbidden) for url (https://api.ngc.nvidia.com/v2/org/nim)",
    ),
    crash(
        Reason.MODEL_NOT_FOUND,
        "ERROR nim_sdk.py:338] Download failed after 1 attempts. Last exception: Resource not found: model google/gemma-x version 1 does not exist",
    ),
    crash(
        Reason.MODEL_NOT_FOUND,
        "OSError: google/gemma-9 is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
    ),
    crash(
        Reason.MODEL_FILES_MISSING,
        "FileNotFoundError: [Errno 2] No such file or directory: '/model-store/gemma/config.json'",
    ),
    crash(Reason.MODEL_FILES_MISSING, "Error: model 'gemma4:31b' not found"),
    crash(
        Reason.MODEL_FILES_MISSING,
        "OSError: Error no file named pytorch_model.bin, model.safetensors found in directory /models/g.",
    ),
    crash(
        Reason.MODEL_FILES_CORRUPT,
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "OSError: It looks like the config file at '/models/g/config.json' is not a valid JSON file.",
    ),
    crash(Reason.SHARED_MEMORY_TOO_SMALL, "OSError: [Errno 28] No space left on device: '/dev/shm/psm_1a2b'"),
    crash(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "RuntimeError: DataLoader worker (pid 99) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory.",
    ),
    crash(
        Reason.NCCL_FAILURE,
        "[rank0]:[E1120 ProcessGroupNCCL.cpp:632] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1, OpType=ALLREDUCE)",
    ),
    crash(
        Reason.NCCL_FAILURE,
        "RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized",
    ),
    crash(Reason.INVALID_ENGINE_CONFIG, "Error: invalid value for OLLAMA_NUM_PARALLEL"),
    crash(Reason.INVALID_ENGINE_CONFIG, "llama-server: error: the following arguments are required: --model"),
    crash(Reason.INVALID_ENGINE_CONFIG, "TypeError: invalid reasoning parser: gemma9"),
    crash(Reason.INVALID_ENGINE_CONFIG, "jinja2.exceptions.TemplateSyntaxError: unexpected '}'"),
    crash(Reason.PORT_IN_USE, "OSError: [Errno 98] Address already in use"),
    crash(Reason.CACHE_NOT_WRITABLE, "mkdir: cannot create directory '/model-store/hub': Permission denied"),
    crash(Reason.CACHE_NOT_WRITABLE, "Error: mkdir /root/.ollama: read-only file system"),
    crash(
        Reason.CACHE_DISK_FULL, "common_download_file_single: error: failed to write to file: No space left on device"
    ),
    crash(
        Reason.HOST_OUT_OF_MEMORY,
        "RuntimeError: [enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 1073741824 bytes.",
    ),
    crash(Reason.HOST_OUT_OF_MEMORY, "llama_mmap: mmap failed: Cannot allocate memory"),
    job(Reason.NETWORK_UNREACHABLE, "httpx.ConnectError: [Errno 111] Connection refused"),
    job(Reason.NETWORK_UNREACHABLE, "httpx.ReadTimeout: The read operation timed out"),
    job(Reason.NETWORK_UNREACHABLE, "wget: bad address 'huggingface.co'"),
    job(
        Reason.NETWORK_UNREACHABLE,
        "ConnectionError: (ProtocolError('Connection aborted.', RemoteDisconnected('Remote end closed connection without response')))",
    ),
    job(
        Reason.NETWORK_UNREACHABLE,
        "requests.exceptions.ProxyError: Cannot connect to proxy. Tunnel connection failed: 503",
    ),
    job(Reason.TLS_UNTRUSTED, "curl: (60) SSL certificate problem: unable to get local issuer certificate"),
    job(Reason.TLS_UNTRUSTED, "error sending request: invalid peer certificate: UnknownIssuer"),
    unmade(
        'Error response from daemon: could not select device driver "nvidia" with capabilities: [[gpu]]',
        Reason.GPU_RUNTIME_MISSING,
    ),
    unmade(
        "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error running hook: nvidia-container-cli: device error: 0: unknown device",
        Reason.GPU_RUNTIME_MISSING,
    ),
    unmade("exec /bin/sh: exec format error", Reason.IMAGE_PLATFORM_MISMATCH, waiting="RunContainerError"),
    unmade('failed to reserve container name "x": name "x" is reserved for "abc"', Reason.CONTAINER_CONFIG_ERROR),
    image(
        "rpc error: code = Unknown desc = Error response from daemon: manifest for vllm/vllm-openai:v9 not found: manifest unknown: manifest unknown",
        Reason.IMAGE_NOT_FOUND,
        by="e",
    ),
    image("rpc error: code = DeadlineExceeded desc = context deadline exceeded", Reason.NETWORK_UNREACHABLE, by="e"),
    image(
        'failed to resolve reference "ghcr.io/x/y:1": unexpected status from HEAD request to https://ghcr.io/v2/x/y/manifests/1: 500 Internal Server Error',
        Reason.NETWORK_UNREACHABLE,
    ),
    image(
        'Error response from daemon: Head "https://nvcr.io/v2/a/b/manifests/1": denied: {"errors": [{"code": "DENIED", "message": "Access Denied"}]}',
        Reason.IMAGE_ENTITLEMENT_REQUIRED,
        by="e",
    ),
    image(
        'image "x" platform linux/amd64 does not match the specified platform linux/arm64',
        Reason.IMAGE_PLATFORM_MISMATCH,
    ),
    failed("Evicted", "Pod was rejected: The node had condition: [DiskPressure]. ", Reason.EVICTED),
    failed("Preempting", "Preempted in order to admit critical pod", Reason.PREEMPTED),
    failed("NodeShutdown", "Pod was rejected as the node is shutting down.", Reason.NODE_NOT_READY),
    failed(
        "OutOfcpu",
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 8000",
        Reason.KUBELET_REJECTED_POD,
    ),
    running(
        Reason.DOWNLOAD_STALLED,
        "(EngineCore pid=2) INFO 11-20 08:00 [gpu_model_runner.py:4000] Starting to load model google/gemma-4-31B-it...",
        "[no further output for 3600 s]",
    ),
    running(
        Reason.STILL_STARTING,
        "(EngineCore pid=2) INFO 11-20 08:00 [gpu_model_runner.py:4000] Model loading took 17 GiB",
        "Capturing CUDA graphs (decode, FULL):  40%|####      | 14/35 [00:03<00:04]",
    ),
    running(Reason.STILL_STARTING),
    running(
        Reason.STILL_STARTING,
        "load_tensors: loading model tensors, this can take a while... (mmap = true, direct_io = false)",
    ),
    pending("no nodes available to schedule pods", reason=Reason.INSUFFICIENT_NODE_RESOURCES),
    pending(
        '0/1 nodes are available: persistentvolumeclaim "x" is being deleted.', reason=Reason.VOLUME_CLAIM_NOT_BOUND
    ),
    pending("0/3 nodes are available: 3 node(s) exceed max volume count.", reason=Reason.VOLUME_ATTACH_FAILED),
    pending(
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {node.kubernetes.io/unschedulable: }.",
        reason=Reason.INSUFFICIENT_NODE_RESOURCES,
    ),
    pending(
        "0/2 nodes are available: 2 node(s) had untolerated taint(s). preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
        reason=Reason.UNTOLERATED_TAINT,
    ),
)

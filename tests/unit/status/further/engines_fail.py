# ruff: noqa: E501  -- lines of programs stand as they are printed
"""Engines that fail: memory, devices, models and settings."""

from gemma4_operator.status.reasons import Reason
from tests.unit.status.failures import (
    Failure,
    crash,
    job,
    running,
)

_TAIL = (
    "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
)

MEMORY = {
    "tokens": crash(
        Reason.KV_CACHE_TOO_SMALL,
        "ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache (45328). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.",
        mention=("131072", "45328"),
    ),
    "GiB": crash(
        Reason.KV_CACHE_TOO_SMALL,
        "ERROR 11-20 [core.py:842] ValueError: To serve at least one request with the models's max seq len (262144), (20.00 GiB KV cache is needed, which is larger than the available KV cache memory (8.41 GiB). Based on the available memory, the estimated maximum model length is 110224.",
        _TAIL,
        mention=("20.00 GiB", "8.41 GiB"),
    ),
    "llama.cpp cache": crash(
        Reason.KV_CACHE_TOO_SMALL,
        "load_tensors:        CUDA0 model buffer size = 17021.31 MiB",
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 40960.00 MiB on device 0: cudaMalloc failed: out of memory",
        "alloc_tensor_range: failed to allocate CUDA0 buffer of size 42949672960",
        "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache",
        mention=("kv cache", "40960.00 MiB"),
    ),
    "llama.cpp compute": crash(
        Reason.GPU_OUT_OF_MEMORY,
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 2048.00 MiB on device 0: cudaMalloc failed: out of memory",
        "graph_reserve: failed to allocate compute buffers",
        "llama_init_from_model: failed to initialize the context: failed to allocate compute pp buffers",
    ),
    "sampler": crash(
        Reason.GPU_OUT_OF_MEMORY,
        "RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests. Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.",
        _TAIL,
        mention=("max_num_seqs",),
    ),
    "old torch": crash(
        Reason.GPU_OUT_OF_MEMORY,
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB. GPU 0 has a total capacity of 23.68 GiB of which 208.94 MiB is free. Including non-PyTorch memory, this process has 23.47 GiB memory in use.",
    ),
    "others hold the GPU": crash(
        Reason.GPU_MEMORY_IN_USE,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.10 GiB is free. Process 4242 has 70.20 GiB memory in use. Including non-PyTorch memory, this process has 7.80 GiB memory in use.",
    ),
    "profiling": crash(
        Reason.GPU_MEMORY_IN_USE,
        "AssertionError: Error in memory profiling. Initial free memory 30.1 GiB, current free memory 40.2 GiB. This happens when other processes sharing the same container release GPU memory while vLLM is profiling during initialization.",
    ),
    "Ollama": running(
        Reason.HOST_OUT_OF_MEMORY,
        'time=2026-09-01T03:12:40.118Z level=INFO source=sched.go:470 msg="Load failed" error="model requires more system memory (31.2 GiB) than is available (14.9 GiB)"',
        mention=("31.2 GiB", "14.9 GiB"),
    ),
    "ggml host": crash(
        Reason.HOST_OUT_OF_MEMORY,
        "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 19327352832",
        "llama_model_load: error loading model: unable to allocate CPU buffer",
    ),
    "vLLM child": crash(
        Reason.HOST_OUT_OF_MEMORY,
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore_DP0': -9}",
    ),
    "OOMKilled now": Failure(
        Reason.HOST_OUT_OF_MEMORY,
        ("OOMKilled",),
        {
            "phase": "Failed",
            "containerStatuses": [
                {"name": "engine", "ready": False, "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
            ],
        },
    ),
    "shm": crash(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "RuntimeError: unable to write to file </torch_271_123_0>: No space left on device (28)",
        code=1,
    ),
    "bus error": crash(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm).",
    ),
    "SIGBUS": crash(Reason.SHARED_MEMORY_TOO_SMALL, code=135),
}

DEVICES = {
    "too old": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12040). Please update your GPU driver",
        mention=("12040",),
    ),
    "insufficient": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version",
        "CUDA error: CUDA driver version is insufficient for CUDA runtime version",
    ),
    "804": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 804: forward compatibility was attempted on non supported HW",
    ),
    "PTX": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "torch.AcceleratorError: CUDA error: the provided PTX was compiled with an unsupported toolchain.",
    ),
    "no driver in the container": crash(
        Reason.GPU_RUNTIME_MISSING,
        "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx",
    ),
    "libcuda": crash(
        Reason.GPU_RUNTIME_MISSING,
        "/app/llama-server: error while loading shared libraries: libcuda.so.1: cannot open shared object file: No such file or directory",
        code=127,
    ),
    "no GPUs": crash(Reason.GPU_RUNTIME_MISSING, "RuntimeError: No CUDA GPUs are available"),
    "sm_121": crash(
        Reason.HARDWARE_UNSUPPORTED,
        "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device",
    ),
    "ggml arch": crash(
        Reason.HARDWARE_UNSUPPORTED,
        "ggml-cuda.cu:71: ERROR: CUDA kernel mul_mat_q has no device code compatible with CUDA arch 520. ggml-cuda.cu was compiled for: 750,800,860",
    ),
    "triton": crash(
        Reason.HARDWARE_UNSUPPORTED,
        "ValueError(\"type fp8e4nv not supported in this architecture. The supported fp8 dtypes are ('fp8e4b15', 'fp8e5')\")",
    ),
    "AVX": crash(Reason.HARDWARE_UNSUPPORTED, "Illegal instruction (core dumped)", code=132),
    "SIGILL": crash(Reason.HARDWARE_UNSUPPORTED, code=132, mention=("SIGILL",)),
    "ptxas": crash(Reason.HARDWARE_UNSUPPORTED, "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'"),
    "Xid 79": crash(Reason.GPU_HARDWARE_FAULT, "NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus."),
    "ECC": crash(
        Reason.GPU_HARDWARE_FAULT,
        "torch.AcceleratorError: CUDA error: uncorrectable ECC error encountered",
        "NCCL error: unhandled cuda error",
        mention=("ECC",),
    ),
    "NCCL": crash(
        Reason.NCCL_FAILURE,
        "RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)",
        _TAIL,
    ),
    "peer": crash(
        Reason.NCCL_FAILURE,
        "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3356, internal error - please report this issue to the NCCL developers, NCCL version 2.27.5",
    ),
}

MODELS = {
    "Gated and known": crash(
        Reason.MODEL_ACCESS_DENIED,
        "huggingface_hub.errors.GatedRepoError: 403 Client Error. (Request ID: Root=1)",
        "Cannot access gated repo for url https://huggingface.co/google/gemma-4-31B-it/resolve/main/config.json.",
        "Access to model google/gemma-4-31B-it is restricted and you are not in the authorized list. Visit https://huggingface.co/google/gemma-4-31B-it to ask for access.",
        mention=("google/gemma-4-31B-it",),
    ),
    "fine-grained": job(
        Reason.MODEL_ACCESS_DENIED,
        "huggingface_hub.errors.HfHubHTTPError: 403 Forbidden: Please enable access to public gated repositories in your fine-grained token settings to view this repository..",
    ),
    "bad token": job(
        Reason.CREDENTIALS_INVALID,
        "huggingface_hub.errors.HfHubHTTPError: 401 Client Error: Unauthorized for url: https://huggingface.co/api/models/google/gemma-4-E2B-it/revision/main",
        "Invalid credentials in Authorization header",
    ),
    "newline in the token": job(
        Reason.CREDENTIALS_INVALID, "httpx.LocalProtocolError: Illegal header value b'Bearer hf_abcDEF123456\\n'"
    ),
    "NGC key": crash(
        Reason.CREDENTIALS_INVALID,
        "ERROR 2026-05-11 09:12:03 nim_sdk.py:338] NGC_API_KEY is not set. Please provide an API key.",
    ),
    "llama.cpp 401": crash(
        Reason.CREDENTIALS_INVALID,
        "common_download_file_single_online: HEAD failed, status: 401",
        "error: failed to download model from Hugging Face",
    ),
    "revision": crash(
        Reason.MODEL_NOT_FOUND,
        "huggingface_hub.errors.RevisionNotFoundError: 404 Client Error. (Request ID: Root=1)",
        "Revision Not Found for url: https://huggingface.co/google/gemma-4-31B-it/resolve/v9/config.json.",
    ),
    "Ollama": crash(Reason.MODEL_NOT_FOUND, "pulling manifest", "Error: pull model manifest: file does not exist"),
    "llama.cpp 404": crash(
        Reason.MODEL_NOT_FOUND,
        'error from HF API (https://huggingface.co/v2/ggml-org/gemma-4-x/manifests/latest), response code: 404, data: {"error":"Repository not found"}',
    ),
    "GGUF missing": crash(
        Reason.MODEL_FILES_MISSING,
        "gguf_init_from_file: failed to open GGUF file '/models/gemma.gguf' (No such file or directory)",
        "llama_model_load: error loading model: llama_model_loader: failed to load model from /models/gemma.gguf",
        mention=("/models/gemma.gguf",),
    ),
    "no weights": crash(
        Reason.MODEL_FILES_MISSING,
        "RuntimeError: Cannot find any model weights with `/models/gemma-4-E4B-it`",
        mention=("/models/gemma-4-E4B-it",),
    ),
    "path as a name": crash(
        Reason.MODEL_FILES_MISSING,
        "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/models/gemma-4'. Use `repo_type` argument if needed.",
    ),
    "offline": crash(
        Reason.MODEL_FILES_MISSING,
        "huggingface_hub.errors.OfflineModeIsEnabled: Cannot reach https://huggingface.co/api/models/google/gemma-4-E2B-it: offline mode is enabled. To disable it, please unset the `HF_HUB_OFFLINE` environment variable.",
    ),
    "digest": crash(
        Reason.MODEL_FILES_CORRUPT,
        "Error: digest mismatch, file must be downloaded again: want sha256:aa, got sha256:bb",
    ),
    "incomplete": crash(
        Reason.MODEL_FILES_CORRUPT,
        "safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered",
        _TAIL,
    ),
    "magic": crash(
        Reason.MODEL_FILES_CORRUPT,
        "gguf_init_from_file_impl: invalid magic characters: 'vers', expected 'GGUF'",
        "llama_model_load: error loading model: llama_model_loader: failed to load model from /models/x.gguf",
    ),
    "consistency": job(
        Reason.MODEL_FILES_CORRUPT,
        "OSError: Consistency check failed: file should be of size 4969988176 but has size 1073741824 (model-00001-of-00002.safetensors).",
    ),
    "transformers": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "ValueError: The checkpoint you are trying to load has model type `gemma4` but Transformers does not recognize this architecture. This could be because of an issue with the checkpoint, or because your version of Transformers is out of date.",
        mention=("gemma4",),
    ),
    "vLLM": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "ValueError: Model architectures ['Gemma4ForConditionalGeneration'] are not supported for now. Supported architectures: dict_keys(['AquilaModel'])",
    ),
    "pydantic": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig",
        "  Value error, The checkpoint you are trying to load has model type `gemma4_unified` but Transformers does not recognize this architecture.",
    ),
    "tensors": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "llama_model_load: error loading model: done_getting_tensors: wrong number of tensors; expected 1247, got 1100",
    ),
    "projector": crash(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "clip_init: failed to load model '/models/mmproj.gguf': load_hparams: unknown projector type: gemma4v",
    ),
    "NIM profile id": crash(
        Reason.NO_COMPATIBLE_PROFILE,
        "ERROR 2026-08-31 10:02:41 utils.py:21] Profile 'abc123' is not found in the manifest. Please check NIM_MODEL_PROFILE.",
    ),
    "NIM incompatible": crash(
        Reason.NO_COMPATIBLE_PROFILE, "ValueError: No compatible profiles found for the detected GPUs"
    ),
}

CONFIGS = {
    "llama.cpp": crash(
        Reason.INVALID_ENGINE_CONFIG, "error: invalid argument: --flash-attn-foo", mention=("--flash-attn-foo",)
    ),
    "choice": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "vllm serve: error: argument --kv-cache-dtype: invalid choice: 'fp4' (choose from 'auto', 'bfloat16', 'fp8')",
        mention=("--kv-cache-dtype",),
        code=2,
    ),
    "context": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "  Value error, User-specified max_model_len (300000) is greater than the derived max_model_len (max_position_embeddings=262144 or model_max_length=None in model's config.json).",
        mention=("300000", "262144"),
    ),
    "heads": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: Total number of attention heads (10) must be divisible by tensor parallel size (4).",
    ),
    "batched": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: Chunked MM input disabled but max_tokens_per_mm_item (2496) is larger than max_num_batched_tokens (2048). Please increase max_num_batched_tokens.",
        _TAIL,
        mention=("max_num_batched_tokens",),
    ),
    "parser": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "KeyError: 'invalid tool call parser: gemma5 (chose from { gemma4,hermes })'",
        mention=("gemma5",),
    ),
    "Ollama flag": crash(Reason.INVALID_ENGINE_CONFIG, "Error: unknown flag: --port", mention=("--port",)),
    "shell": crash(Reason.INVALID_ENGINE_CONFIG, "sh: 1: vllm: not found", code=127),
    "quantization": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: Quantization method specified in the model config (compressed-tensors) does not match the quantization method specified in the `quantization` argument (fp8).",
    ),
    "world": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: World size (4) is larger than the number of available GPUs (1) in this node.",
    ),
    "Ollama port": crash(
        Reason.PORT_IN_USE, "Error: listen tcp 0.0.0.0:11434: bind: address already in use", mention=("11434",)
    ),
    "llama.cpp port": crash(
        Reason.PORT_IN_USE, "start: couldn't bind HTTP server socket, hostname: 0.0.0.0, port: 8080", mention=("8080",)
    ),
}

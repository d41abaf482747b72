# ruff: noqa: E501  -- lines of programs stand as they are printed
"""Downloads, ends, and what was seen on real clusters."""

from typing import Any

from gemma4_operator.status.reasons import Reason
from tests.unit.status.failures import (
    Failure,
    crash,
    event,
    failed,
    job,
    running,
    unmade,
)

SEEN = {
    "device handle": crash(
        Reason.GPU_HARDWARE_FAULT, "Unable to determine the device handle for GPU0000:3B:00.0: Unknown Error"
    ),
    "fp8e4nv": crash(
        Reason.HARDWARE_UNSUPPORTED, "AssertionError: fp8e4nv data type is not supported on CUDA arch < 89"
    ),
    "reduction": crash(
        Reason.NCCL_FAILURE, "Failed: Cuda error /workspace/csrc/custom_all_reduce.cuh:368 'invalid argument'"
    ),
    "variable of llama.cpp": crash(
        Reason.INVALID_ENGINE_CONFIG,
        'error while handling environment variable "LLAMA_ARG_CTX_SIZE": stoi',
        mention=("LLAMA_ARG_CTX_SIZE",),
    ),
    "a Service's variable": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: VLLM_PORT 'tcp://10.96.0.1:8000' appears to be a URI. This may be caused by a Kubernetes service discovery issue,check the warning in: https://docs.vllm.ai",
        mention=("VLLM_PORT",),
    ),
    "remote code": crash(
        Reason.INVALID_ENGINE_CONFIG,
        "ValueError: The repository /models/x contains custom code which must be executed to correctly load the model. Please pass the argument `trust_remote_code=True` to allow custom code to be run.",
    ),
    "cache folder": crash(
        Reason.CACHE_NOT_WRITABLE,
        "There was a problem when trying to write in your cache folder (/.cache/huggingface/hub). You should set the environment variable TRANSFORMERS_CACHE to a writable directory.",
    ),
    "probe, its killing forgotten": Failure(
        Reason.PROBE_KILLED_DURING_START,
        ("Liveness",),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 503"),),
    ),
    "readiness kills nobody": Failure(
        Reason.ENGINE_CRASHED,
        (),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),),
    ),
    "illegal access": crash(
        Reason.ENGINE_CRASHED,
        "torch.AcceleratorError: CUDA error: an illegal memory access was encountered",
        "CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.",
        "For debugging consider passing CUDA_LAUNCH_BLOCKING=1",
        "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.",
    ),
    "assertion": crash(
        Reason.ENGINE_CRASHED,
        "/app/ggml/src/ggml.c:3200: GGML_ASSERT(ggml_can_mul_mat(a, b)) failed",
        code=134,
        mention=("GGML_ASSERT", "SIGABRT"),
    ),
    "a job's own error": job(Reason.DOWNLOAD_JOB_FAILED, "Exception: something else", mention=("something else",)),
    "a job killed for memory": Failure(
        Reason.HOST_OUT_OF_MEMORY,
        (),
        {
            "phase": "Failed",
            "containerStatuses": [
                {"name": "download", "ready": False, "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
            ],
        },
        (event("BackoffLimitExceeded", "Job has reached the specified backoff limit", "Job", "weights"),),
    ),
    "NIM in JSON": crash(
        Reason.NETWORK_UNREACHABLE,
        '{"level": "None", "time": "None", "message": "[09-25 19:03:45.989 ERROR nim_sdk::hub::repo rust/nim-sdk/src/hub/repo.rs:119] error sending request for url (https://api.ngc.nvidia.com/v2/org/nim/team/meta/models/x/files)", "exc_info": "None"}',
        '{"level": "ERROR", "message": "", "exc_info": "Traceback (most recent call last):\\n  File \\"/opt/nim/llm/launch.py\\", line 99, in <module>\\n    main()\\nException: error"}',
        mention=("api.ngc.nvidia.com",),
    ),
    "NIM's profiles": crash(
        Reason.NO_COMPATIBLE_PROFILE,
        "Error: Not all of the provided profiles are supported.",
        "Unknown profiles provided: {'default'}",
    ),
    "the last line of a traceback in JSON": crash(
        Reason.CREDENTIALS_INVALID,
        '{"level": "ERROR", "message": "", "exc_info": "Traceback (most recent call last):\\n  File \\"/opt/nim/a.py\\", line 99\\nException: Authentication Error"}',
    ),
    "llama.cpp's new log": crash(
        Reason.MODEL_NOT_FOUND,
        "0.00.073.098 E get_repo_commit: error: GET failed (404): Sorry, we can't find the page you are looking for.",
        "0.00.073.107 W get_repo_files: failed to resolve commit for unsloth/gemma-4-E4B-it-GGUF",
        "0.00.074.625 E llama_model_load_from_file_impl: exactly one out metadata, path_model, and file must be defined",
        mention=("404",),
    ),
    "Ollama 403": crash(Reason.MODEL_ACCESS_DENIED, "pulling manifest", "Error: 403:"),
    "Ollama EOF": crash(Reason.NETWORK_UNREACHABLE, "pulling manifest", "Error: max retries exceeded: unexpected EOF"),
    "NCCL's segment": crash(
        Reason.SHARED_MEMORY_TOO_SMALL,
        "node-12:15015:15202 [0] misc/shmutils.cc:129 NCCL WARN Error while creating shared memory segment /dev/shm/nccl-roxxN4 (size 33030528)",
        "ncclSystemError: System call (e.g. socket, malloc) or external library call failed or device error.",
    ),
    "driver release": crash(
        Reason.GPU_DRIVER_INCOMPATIBLE,
        "ERROR: This container was built for NVIDIA Driver Release 570.86 or later, but version 535.104.05 was detected and compatibility mode is UNAVAILABLE.",
    ),
    "silence in minutes": running(
        Reason.DOWNLOAD_STALLED,
        "model.safetensors:  31%|###  | 5.1G/16.4G [01:09<02:33, 73MB/s]",
        "[no output for 45 min]",
    ),
    "an Xid of the node": running(
        Reason.GPU_HARDWARE_FAULT,
        events=(
            event("XidError", "NVRM: Xid (PCI:0000:3b:00): 79, pid=77, GPU has fallen off the bus.", "Node", "gpu-7"),
        ),
        mention=("gpu-7",),
    ),
    "an eviction outlives its pod": Failure(
        Reason.EVICTED,
        ("ephemeral-storage",),
        None,
        (event("Evicted", "The node was low on resource: ephemeral-storage."),),
    ),
    "old words of a rejection": failed(
        "UnexpectedAdmissionError",
        "Pod Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested:1, Available: 0, which is unexpected",
        Reason.KUBELET_REJECTED_POD,
    ),
    "plug-in without NVML": failed(
        "UnexpectedAdmissionError",
        "Allocate failed due to device plugin GetPreferredAllocation rpc failed with err: rpc error: code = Unknown desc = error getting list of preferred allocation devices: unable to get device link information: error calling nvml.Init: Unknown Error, which is unexpected",
        Reason.KUBELET_REJECTED_POD,
    ),
}

DOWNLOADS = {
    "Go": crash(
        Reason.CACHE_NOT_WRITABLE,
        "Error: could not create directory mkdir /.ollama: permission denied",
        mention=("/.ollama",),
    ),
    "read-only": crash(
        Reason.CACHE_NOT_WRITABLE,
        "OSError: [Errno 30] Read-only file system: '/models/.cache'",
        mention=("/models/.cache",),
    ),
    "Rust": job(
        Reason.CACHE_DISK_FULL,
        "RuntimeError: Data processing error: CAS service error : IO Error: No space left on device (os error 28)",
    ),
    "quota of the disk": job(
        Reason.CACHE_DISK_FULL, "OSError: [Errno 122] Disk quota exceeded: '/cache/hub/blobs/aa.incomplete'"
    ),
    "DNS of Go": crash(
        Reason.NETWORK_UNREACHABLE,
        'Error: pull model manifest: Get "https://registry.ollama.ai/v2/library/gemma4/manifests/e2b": dial tcp: lookup registry.ollama.ai on 10.96.0.10:53: no such host',
        mention=("registry.ollama.ai",),
    ),
    "timeout": job(
        Reason.NETWORK_UNREACHABLE,
        "requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url: /api/models (Caused by ConnectTimeoutError)",
    ),
    "hub and cache": crash(
        Reason.NETWORK_UNREACHABLE,
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.",
        "Check your internet connection or see how to run the library in offline mode at 'https://huggingface.co/docs/transformers/installation#offline-mode'.",
    ),
    "curl": crash(Reason.NETWORK_UNREACHABLE, "curl: (6) Could not resolve host: huggingface.co"),
    "Rust DNS": crash(
        Reason.NETWORK_UNREACHABLE,
        "error sending request for url (https://api.ngc.nvidia.com/v2/org): client error (Connect): dns error: failed to lookup address information: Name or service not known",
    ),
    "TLS": job(
        Reason.TLS_UNTRUSTED,
        "requests.exceptions.SSLError: (MaxRetryError(\"HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url: /api (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1000)')))\"))",
    ),
    "TLS of Go": crash(
        Reason.TLS_UNTRUSTED,
        'Error: pull model manifest: Get "https://registry.ollama.ai/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ),
    "nothing known": job(
        Reason.DOWNLOAD_JOB_FAILED,
        "Fetching 14 files:  43%|####3     | 6/14 [04:12<05:36, 42.11s/it]",
        mention=("weights",),
    ),
    "stalled": running(
        Reason.DOWNLOAD_STALLED,
        "pulling manifest",
        "pulling 799587243b19:  61% 81 GB/132 GB",
        "[no further output for 3600 s]",
        mention=("61%",),
    ),
    "stalled NIM": running(
        Reason.DOWNLOAD_STALLED,
        'INFO 2026-11-20 08:04:40 tokio.rs:916] "model-00001-of-00002.safetensors": 31.20 GiB of 46.37 GiB',
        "[no further output for 1800 s]",
    ),
    "silence of vLLM": running(
        Reason.STILL_STARTING,
        "(EngineCore pid=2) INFO 11-20 08:00 [gpu_model_runner.py:4000] Starting to load model google/gemma-4-31B-it...",
        "[no further output for 900 s]",
        mention=("prints nothing while it downloads", "gemma-4-31B-it"),
    ),
    "silence of llama.cpp": running(
        Reason.STILL_STARTING,
        "common_download_file_single_online: downloading from https://huggingface.co/x/resolve/main/a.gguf to /cache/a.gguf (etag:1)...",
        "[no further output for 900 s]",
        mention=("prints nothing while it downloads",),
    ),
    "a pause is no stall": running(
        Reason.STILL_STARTING,
        "Fetching 3 files:  67%|######6   | 2/3 [06:12<03:06, 186.20s/it]",
        "[no further output for 40 s]",
    ),
    "a retry that went well": running(
        Reason.STILL_STARTING,
        "WARNING Connection reset by peer, retrying",
        "model.safetensors:  31%|###  | 5.1G/16.4G [01:09<02:33, 73MB/s]",
        mention=("31%",),
    ),
}


def _after_days(status: Any) -> Any:
    """A status whose container ran for five days before it ended."""
    (container,) = status["containerStatuses"]
    container["lastState"]["terminated"] |= {"startedAt": "2026-11-20T08:00:00Z", "finishedAt": "2026-11-25T08:00:00Z"}
    return status


ENDS = {
    "startup probe": Failure(
        Reason.PROBE_KILLED_DURING_START,
        ("startup probe",),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (
            event("Killing", "Container engine failed startup probe, will be restarted"),
            event("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503"),
        ),
    ),
    "liveness probe after days": Failure(
        Reason.PROBE_KILLED,
        ("liveness probe", "5 days"),
        _after_days(crash(Reason.ENGINE_CRASHED, code=137).status),
        (event("Killing", "Container engine failed liveness probe, will be restarted"),),
    ),
    "hook, and nothing of an end": Failure(
        Reason.LIFECYCLE_HOOK_FAILED,
        ("container 'engine'", "exited with 1"),
        unmade(
            "command 'ollama pull x' exited with 1", Reason.LIFECYCLE_HOOK_FAILED, waiting="PostStartHookError"
        ).status,
    ),
    "its own end after a probe": Failure(
        Reason.GPU_OUT_OF_MEMORY,
        (),
        crash(Reason.ENGINE_CRASHED, code=1).status,
        (event("Killing", "Container engine failed startup probe, will be restarted"),),
        ("torch.OutOfMemoryError: CUDA out of memory.",),
    ),
    "hook": Failure(
        Reason.LIFECYCLE_HOOK_FAILED,
        ("PostStart",),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (
            event(
                "FailedPostStartHook",
                'Exec lifecycle hook ([/bin/sh -c ollama pull x]) for Container "engine" in Pod "chat-1" failed - error: command \'/bin/sh -c ollama pull x\' exited with 1',
            ),
        ),
    ),
    "hook with a cause": Failure(
        Reason.CACHE_DISK_FULL,
        (),
        crash(Reason.ENGINE_CRASHED, code=137).status,
        (event("FailedPostStartHook", "PostStartHook failed"),),
        ("write /models/blobs/x: no space left on device",),
    ),
    "segfault": crash(
        Reason.ENGINE_CRASHED, "!!!!!!! Segfault encountered !!!!!!!", code=139, mention=("139", "SIGSEGV")
    ),
    "killed by nobody known": crash(Reason.ENGINE_CRASHED, code=137, mention=("137",)),
    "exec format": crash(
        Reason.IMAGE_PLATFORM_MISMATCH, "exec /usr/bin/python3: exec format error", code=255, mention=("vllm-openai",)
    ),
    "node went": running(Reason.NODE_NOT_READY, events=(event("NodeNotReady", "Node is not ready"),)),
    "taint manager": Failure(
        Reason.NODE_NOT_READY,
        (),
        {
            "phase": "Failed",
            "conditions": [
                {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "DeletionByTaintManager",
                    "message": "Taint manager: deleting due to NoExecute taint",
                }
            ],
        },
    ),
    "loads": running(
        Reason.STILL_STARTING,
        "(EngineCore pid=271) INFO 11-20 [gpu_model_runner.py:4210] Starting to load model google/gemma-4-31B-it...",
        "Loading safetensors checkpoint shards:  10% Completed | 1/10 [00:10<01:30, 10.0s/it]",
        mention=("10%",),
    ),
}

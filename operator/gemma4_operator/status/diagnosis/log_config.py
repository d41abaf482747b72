"""What logs say of a model that the engine does not know, and of settings that are wrong."""

from typing import Final

from gemma4_operator.status.diagnosis.rules import Rule, text_like
from gemma4_operator.status.reasons import Reason

_SETTINGS = (
    r"--[a-z][a-z-]+|\b(?:max_\w+|\w+_parallel_size|\w+_utilization|limit_mm\w*|chat_template\w*"
    r"|\w+_parser"
    r"|dtype|quantization|kv_cache_dtype|speculative_\w+|hf_overrides|tokenizer_mode|enable_\w+|load_format"
    r"|lora_\w+|rope_\w+|served_model_name|attention_backend|compilation_config|VLLM_\w+|NIM_\w+|OLLAMA_\w+"
    r"|LLAMA_ARG_\w+)\b"
)

MODEL_UNKNOWN: Final = (
    Rule(
        Reason.MODEL_UNSUPPORTED_BY_ENGINE,
        "transformers, vLLM, ggml, Ollama and its library (412), of a model that is newer than they are",
        text_like(
            r"unknown (?:model |projector )?(?:architecture|type|pre-tokenizer)|does not recognize this architecture"
            r"|architectures? .{0,200}(?:not supported|unsupported|failed to be inspected)"
            r"|unsupported (?:model )?architecture"
            r"|newer version of ollama|not supported by your version|has no vLLM implementation|no vLLM implementation"
            r"|model type .{0,80}(?:not (?:recognized|supported)|but Transformers does not)|wrong number of tensors"
            r"|missing tensor|invalid ggml type|unknown (?:ggml|quantization) type|no module or parameter named"
            r"|KeyError: ['\"](?:gemma|\w+ForC|\w+_text)\w*['\"]|unsupported model(?: type)?\b"
            r"|model (?:is )?not supported"
            r"|pull model manifest: 412|unknown model\b|check_tensor_dims: tensor"
        ),
        also=text_like(r"newer version|\b412\b"),
        unless=text_like(r"quantization method"),
    ),
)

PROFILES: Final = (
    Rule(
        Reason.NO_COMPATIBLE_PROFILE,
        "NIM's choice of a profile (1.x ngc_profile.py and utils.py, 2.x profile_selector.py)",
        text_like(
            r"could not (?:find|match) (?:a|any|the) .{0,40}profile"
            r"|no .{0,30}profiles? (?:is|are|was|were|found|available|match)"
            r"|no (?:compatible|runnable|matching|valid|suitable) .{0,20}profile"
            r"|profile .{0,100}(?:not (?:found|compatible|valid"
            r"|supported|available|in the manifest)|is incompatible|does not exist|unknown)|(?:invalid|unknown"
            r"|unrecognized) "
            r".{0,20}profile|not all of the provided profiles|NIM_MODEL_PROFILE"
        ),
        also=text_like(r"\[[0-9a-f]{4}:[0-9a-f]{4}\]"),
    ),
    Rule(
        Reason.NO_COMPATIBLE_PROFILE,
        "NIM's count of profiles, where the log ends with it",
        text_like(r"detected 0 compatible profile"),
        chatter=True,
        also=text_like(r"\[[0-9a-f]{4}:[0-9a-f]{4}\]"),
    ),
)

CONFIG: Final = (
    Rule(
        Reason.INVALID_ENGINE_CONFIG,
        "argparse (vLLM, NIM), llama.cpp's and cobra's (Ollama) parsers of arguments",
        text_like(
            r"unrecognized arguments?|error: argument|invalid choice|following arguments are required"
            r"|expected (?:one|at least)"
            r" (?:one )?argument|error: (?:invalid|unknown) argument|unknown (?:shorthand )?(?:flag|command|option)"
            r"|flag provided but not defined|error while handling|ambiguous option|unexpected argument"
            r"|invalid (?:argument|value|option) |option .{0,40} requires|no such option|requires? exactly"
            r"|unknown value for"
        ),
        unless=text_like(r"CUDA error"),
    ),
    Rule(
        Reason.INVALID_ENGINE_CONFIG,
        "vLLM's and llama.cpp's templates and parsers of tool calls",
        text_like(
            r"appears path-like|chat[ _]template.{0,120}(?:not|fail|error|invalid|doesn't)"
            r"|invalid (?:tool|reasoning)[ _-]\S*"
            r"|TemplateSyntaxError|TemplateError|failed to parse (?:chat )?template"
            r"|(?:tool|reasoning)\S* parser.{0,60}not"
        ),
        unless=text_like(r"^.{0,60}?(?-i:\bWARN(?:ING)?\b)"),
    ),
    Rule(
        Reason.INVALID_ENGINE_CONFIG,
        "a shell or an interpreter that does not find the command",
        text_like(
            r"command not found|executable file not found|can't open file|: not found$|No module named"
            r"|unknown shorthand"
            r"|^(?:exec|stat) .{1,300}no such file|permission denied$"
        ),
    ),
    Rule(
        Reason.INVALID_ENGINE_CONFIG,
        "vLLM's checks of settings against the model and against each other (vllm/config)",
        text_like(
            r"User-specified max_model_len|max_model_len.{0,80}greater than|must be divisible|divisible by"
            r"|does not match the quantization|supported for quantization method|unknown quantization"
            r"|world size .{0,80}larger"
            r"|is larger than (?:the )?(?:number of )?(?:available |visible )?GPUs"
            r"|cannot (?:use|be used with|find valid)"
            r"|mutually exclusive|trust[-_]remote[-_]code|is smaller than max_model_len"
            r"|please (?:increase|set|specify|use|disable|enable|reduce|pass) "
            r"[`'\"]?(?:--|\w+_\w+)|"
            rf"(?:ValueError|ValidationError|NotImplementedError|KeyError).{{0,300}}?(?:{_SETTINGS})"
        ),
        unless=text_like(
            r"VLLM_LOGGING_LEVEL|CUDA_LAUNCH|NCCL_DEBUG|see root cause above|^.{0,60}?(?-i:\bWARN(?:ING)?\b)"
        ),
    ),
    Rule(
        Reason.INVALID_ENGINE_CONFIG,
        "pydantic, of the configuration classes of vLLM and NIM",
        text_like(
            r"validation errors? for \w+|Value error, |invalid (?:environment|config)\w*"
            r"|failed to parse (?:config|yaml|json)"
        ),
        also=text_like(r"value error|input should|type=\w+|extra inputs"),
    ),
)

"""What logs say of the model's files: not there, or not whole."""

from typing import Final

from gemma4_operator.status.diagnosis.rules import Rule, text_like
from gemma4_operator.status.reasons import Reason

_FILE = text_like(r"[\w./-]+\.(?:gguf|safetensors|bin|json|pt)\b")

OFFLINE: Final = (
    Rule(
        Reason.MODEL_FILES_MISSING,
        "huggingface_hub and transformers that were told not to look online",
        text_like(
            r"outgoing traffic has been disabled|OfflineModeIsEnabled|offline mode is enabled|HF_HUB_OFFLINE"
            r"|TRANSFORMERS_OFFLINE|local_files_only"
        ),
        also=text_like(r"we couldn't connect|cached? files"),
    ),
)

FILES: Final = (
    Rule(
        Reason.MODEL_FILES_CORRUPT,
        "safetensors, ggml, PyTorch, huggingface_hub, Ollama and Git LFS, of a file that is not whole",
        text_like(
            r"SafetensorError|deserializing header|HeaderToo(?:Large|Small)|IncompleteBuffer|InvalidHeader"
            r"|not within the file bounds|corrupt|invalid magic|bad magic|(?:digest|checksum|hash|size|sha256) mismatch"
            r"|checksum (?:verification )?failed|consistency check failed|PytorchStreamReader failed|invalid load key"
            r"|failed to read (?:magic|tensor|key|header)|unexpected(?:ly reached)? end of (?:file|input|data)"
            r"|unexpected EOF"
            r"|git-lfs\.github|git.lfs pointer|not a valid JSON file|file is truncated|truncated|incomplete file"
            r"|EOFError|unable to load weights from|failed to load (?:safetensors|weights) .{0,60}(?:invalid|damaged)"
        ),
        unless=text_like(r"prompt|input is truncated|truncated (?:stack|traceback|to )"),
        also=_FILE,
    ),
    Rule(
        Reason.MODEL_NOT_FOUND,
        "transformers, of a name that the hub does not know",
        text_like(r"is not a local folder and is not a valid model|is not a valid model identifier"),
        unless=text_like(r"OSError: /|(?:Error|^):? ?'?/[\w./-]+'? is not a"),
    ),
    Rule(
        Reason.MODEL_FILES_MISSING,
        "transformers, vLLM, NIM, ggml and Ollama, of a path or a store without the files",
        text_like(
            r"does not appear to have (?:a file|files) named|cannot find any model weights|failed to open GGUF"
            r"|no file named|no .{0,20}config\.json (?:was )?found"
            r"|can't load (?:the )?(?:configuration|tokenizer|image processor|feature extractor|processor|config)"
            r"|incorrect path_or_model_id|invalid repository ID or local directory"
            r"|cannot find the (?:requested|config) file"
            r"|LocalEntryNotFoundError|cached snapshot folder"
            r"|no (?:model )?(?:weights?|safetensors|checkpoint)(?: files?)? (?:were |was )?found"
            r"|(?:no such file or directory|FileNotFoundError|does not exist|not found|failed to open"
            r"|cannot open).{0,200}"
            r"(?:\.gguf|\.safetensors|config\.json|tokenizer|/models?\b|/cache\b|model_path|\.bin\b|weights)"
            r"|(?:\.gguf|\.safetensors|config\.json|tokenizer\S*|/models?/\S*|/cache/\S*|model_path\S*"
            r"|mmproj\S*)['\"]?.{0,80}"
            r"(?:no such file|does not exist|not found|is missing|doesn't exist|failed to open)"
            r"|is not a local folder and is not a valid|model ['\"]?[\w./:-]+['\"]? not found|no such model"
            r"|Repo id must be in the form.{0,120}: '/"
        ),
        unless=text_like(
            r"chat.template|\.jinja|executable file|command not found|can't open file|\bexec\b"
            r"|shared object file|module named|tool.call|architecture|parser"
        ),
        also=_FILE,
    ),
    Rule(
        Reason.MODEL_NOT_FOUND,
        "huggingface_hub's check of a name",
        text_like(r"HFValidationError|Repo id must (?:be in the form|use alphanumeric)"),
    ),
)

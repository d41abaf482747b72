"""What logs say of downloads: no room, no right, no way."""

from typing import Final

from gemma4_operator.status.diagnosis.rules import Rule, text_like
from gemma4_operator.status.reasons import Reason

_ABOUT = text_like(
    r"https?://\S+|\b(?:repo|model|repository)s?\b.{0,40}[\w.-]+/[\w.-]+|\"[\w.-]+/[\w./-]+:[\w.-]+\"|pulling manifest"
)


def _status(code: str) -> str:
    """Return the ways in which clients print a status of HTTP: requests, httpx, curl, reqwest, Ollama, llama.cpp."""
    return (
        rf"\b{code} Client Error|\b{code} (?:Unauthorized|Forbidden|Not Found|Payment Required)|Client error '{code}"
        rf"|(?:HTTP(?:/[\d.]+)?|status(?:[ _]code)?|failed|response code|error code|returned error|error"
        rf"|code)[ :=(]{{1,3}}{code}\b"
        rf"|manifest: {code}\b"
    )


STORAGE: Final = (
    Rule(
        Reason.CACHE_DISK_FULL,
        "huggingface_hub's forecast, which says how much is missing",
        text_like(r"not enough (?:free )?(?:disk )?space|insufficient (?:free )?disk space|not enough free disk"),
        also=text_like(r"no space left"),
    ),
    Rule(
        Reason.CACHE_DISK_FULL,
        "ENOSPC and EDQUOT in the words of Python, Go, Rust and C",
        text_like(
            r"no space left on device|errno 28\b|os error 28\b|\bENOSPC\b|disk quota exceeded|errno 122\b"
            r"|disk (?:is )?full|os error 122\b"
        ),
    ),
    Rule(
        Reason.IMAGE_PLATFORM_MISMATCH,
        "the kernel's ENOEXEC, as runc or a shell prints it",
        text_like(r"exec format error"),
    ),
    Rule(
        Reason.PORT_IN_USE,
        "EADDRINUSE in the words of uvicorn, Go, PyTorch and cpp-httplib",
        text_like(
            r"address (?:is )?already in use|\bEADDRINUSE\b|errno 98\b|couldn't bind|port \d+ is (?:already )?in use"
        ),
    ),
    Rule(
        Reason.CACHE_NOT_WRITABLE,
        "EACCES and EROFS in the words of Python, Go, Rust and C; NIM's check of its cache",
        text_like(
            r"permission ?denied|PermissionError|errno (?:13|30)\b|os error (?:13|30)\b|read-only file system|\bEROFS\b"
            r"|not writable|problem when trying to write|writable directory"
            r"|is read-only|cannot write to|is not writeable|no write (?:access|permission)"
        ),
        unless=text_like(
            r"\bexec\b|: bind:|mlock|/bin/|entrypoint|permission denied \(publickey"
            r"|sched_setaffinity|mbind|set_mempolicy|numa"
        ),
        also=text_like(r"'/[\w./-]+'"),
    ),
)

ACCESS: Final = (
    Rule(
        Reason.MODEL_ACCESS_DENIED,
        "Hugging Face's and NGC's 403: the account is known",
        text_like(
            r"not in the authorized list|awaiting a review|awaiting approval|fine-grained token settings"
            r"|permissions? that the user does not have|not (?:being )?a member of the organi[sz]ation"
            r"|has not (?:yet )?(?:been )?(?:accepted|granted)|ask for access|request(?:ed)? access|access is denied"
            rf"|Permission error:|AccessDenied|Access Denied|{_status('403')}"
        ),
        unless=text_like(r"401 Client Error"),
        also=_ABOUT,
    ),
    Rule(
        Reason.CREDENTIALS_INVALID,
        "Hugging Face's and NGC's 401, and tokens that are no tokens",
        text_like(
            r"authentication error|invalid credentials|invalid user ?name or password|invalid (?:user )?token(?! id)"
            r"|LocalTokenNotFoundError|token is required"
            r"|token (?:seems|is|has)(?: been)? (?:invalid|expired|missing|not set)"
            r"|illegal header value|invalid (?:API|NGC) ?key"
            r"|api[ _]key.{0,40}(?:invalid|expired|not set|missing|required"
            r"|malformed|not found|not provided|must be set|empty)|(?:missing|provide|set|no|need) .{0,30}NGC[ _]"
            r"|NGC_API_KEY|must be authenticated|authentication (?:is )?required|authentication failed|not logged in"
            rf"|{_status('401')}"
        ),
        # Every llama-server without a key of its own says so, and serves.
        unless=text_like(r"no API key is set|CORS|unauthenticated requests"),
        also=_ABOUT,
    ),
    Rule(
        Reason.MODEL_ACCESS_DENIED,
        "older transformers, of a gated repository without the status",
        text_like(r"gated repo|is restricted"),
        also=_ABOUT,
    ),
    Rule(
        Reason.MODEL_NOT_FOUND,
        "Hugging Face's, NGC's and Ollama's 404",
        text_like(
            r"RepositoryNotFoundError|repository not found|RevisionNotFoundError|revision not found|EntryNotFoundError"
            r"|entry not found for url|is not a valid git identifier|pull model manifest: file does not exist"
            r"|no GGUF files? (?:were )?found"
            r"|(?:model|version|artifact|resource) .{0,80}(?:does not exist|was not found)(?! in| at| on)"
            r"|(?:requested )?(?:model|version|resource) (?:could )?not (?:be )?found.{0,20}(?:ngc|registry|hub)"
            rf"|ResourceNotFound|{_status('404')}"
        ),
        unless=text_like(r"LocalEntryNotFoundError"),
        also=_ABOUT,
    ),
)

NETWORK: Final = (
    Rule(
        Reason.TLS_UNTRUSTED,
        "OpenSSL in Python and curl, Go's crypto/tls, rustls",
        text_like(
            r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|self[- ]signed certificate|x509:|unknown authority"
            r"|local issuer certificate|invalid peer certificate|SSL certificate problem|UnknownIssuer"
            r"|certificate (?:verify failed|has expired|is not trusted)|SSL server verification failed"
        ),
    ),
    Rule(
        Reason.INVALID_ENGINE_CONFIG,
        "Ollama's client without a server beside it",
        text_like(
            r"could not connect to (?:a running |the )?ollama|ollama server not responding|is (?:it|ollama) running\?"
        ),
    ),
    Rule(
        Reason.NETWORK_UNREACHABLE,
        "resolvers and sockets in the words of Python, Go, Rust and curl",
        text_like(
            r"name resolution|name or service not known|NameResolutionError|failed to resolve|getaddrinfo"
            r"|no such host|bad address"
            r"|could(?: not|n't) resolve|no address associated|dns error|failed to lookup address|server misbehaving"
            r"|connection refused|connection timed out|connect ?timeout|read ?timeout|read timed out"
            r"|max retries exceeded|network is unreachable|no route to host|i/o timeout|handshake timeout"
            r"|connection (?:was )?(?:reset|aborted)|ProxyError|proxyconnect|could(?: not|n't) connect to"
            r"|error sending request|RemoteDisconnected|IncompleteRead|server disconnected|failed to connect"
            r"|trying to locate the files? on the hub|check your (?:internet )?connection|operation timed out"
            r"|\b(?:429|50[234]) (?:Client|Server) Error|too many requests|\b50[234] (?:Bad|Service|Gateway)"
        ),
        unless=text_like(r"client socket|TCPStore|DistNetworkError|NCCL"),
        also=text_like(r"https?://[\w.-]+\S*"),
    ),
)

"""Every setting of the operator's process, in one place; docs/reference/settings.md is generated from here."""

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from enum import StrEnum
from typing import Any

PREFIX = "GEMMA4_"


class SettingsError(Exception):
    """A setting has a value it cannot have; the message names the variable, the value and what must be."""


class LogFormat(StrEnum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _about(
    sentence: str, *, least: int | None = None, most: int | None = None, form: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Return what is known of a setting: its sentence, the bounds of a number, the form of a text and its words."""
    return {"sentence": sentence, "least": least, "most": most, "form": form}


_URL = (r"https?://[^\s/]+(/\S*)?", "an address that begins with http:// or https://")
_NAMESPACE = ("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "names of namespaces with commas between them")
_LABEL = ("[a-zA-Z_][a-zA-Z0-9_]*", "a label of Prometheus: letters, digits and _")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The operator's settings; each is the environment variable `GEMMA4_` plus its name in capitals."""

    identity: str = field(
        default="", metadata=_about("Unique name of this process in the Lease; empty: host name and process id.")
    )
    lease_namespace: str = field(
        default="default", metadata=_about("Namespace of the Lease by which one replica leads.")
    )
    lease_name: str = field(default="gemma4-operator", metadata=_about("Name of that Lease."))
    log_level: LogLevel = field(default=LogLevel.INFO, metadata=_about("Least severe level that is logged."))
    log_format: LogFormat = field(
        default=LogFormat.TEXT, metadata=_about("Log lines for people (text) or for machines (json).")
    )
    health_host: str = field(
        default="127.0.0.1",
        metadata=_about("Address of /healthz, /readyz and /metrics; `*`: every one, of IPv4 and of IPv6."),
    )
    health_port: int = field(
        default=8080, metadata=_about("Port of /healthz, /readyz and /metrics; 0: any free one.", least=0, most=65535)
    )
    watch_namespaces: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "The namespaces whose Gemma4Deployments are this operator's, with commas between them; empty: all.",
            form=_NAMESPACE,
        ),
    )
    workers: int = field(
        default=8, metadata=_about("How many Gemma4Deployments are worked on at once.", least=1, most=256)
    )
    catalog_file: str = field(
        default="", metadata=_about("YAML file that is merged over the built-in catalogue at start; empty: none.")
    )
    unplaced_seconds: int = field(
        default=600,
        metadata=_about(
            "How long no node may take any pod of a plan before one is chosen anew, for the GPUs that are free.",
            least=1,
            most=86400,
        ),
    )
    metrics_seconds: int = field(
        default=5,
        metadata=_about("How often the engines of autoscaled resources are read, and decided on.", least=1, most=60),
    )
    prometheus_url: str = field(
        default="",
        metadata=_about(
            "Address of the Prometheus that is asked for resources with `metricsSource: Prometheus`; empty: none.",
            form=_URL,
        ),
    )
    prometheus_namespace_label: str = field(
        default="namespace", metadata=_about("Label of its series that has the namespace of a pod.", form=_LABEL)
    )
    prometheus_pod_label: str = field(
        default="pod", metadata=_about("Label of its series that has the name of a pod.", form=_LABEL)
    )
    resync_seconds: int = field(
        default=120,
        metadata=_about("How often everything is listed anew, whatever the watches said.", least=5, most=86400),
    )


def variables() -> dict[str, "Field[Any]"]:
    """Return each setting's field by the name of its environment variable."""
    return {PREFIX + item.name.upper(): item for item in fields(Settings)}


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return `GEMMA4_` variables that are no settings; a warning and no error, since Services add such names."""
    return tuple(sorted(name for name in environment if name.startswith(PREFIX) and name not in variables()))


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings; unset or empty variables keep their default.

    Raises:
        SettingsError: For a value that cannot be.
    """
    return Settings(
        **{
            item.name: _parse(name, environment[name], item.default, item.metadata)
            for name, item in variables().items()
            if environment.get(name)
        }
    )


def _parse(name: str, text: str, default: Any, limits: Mapping[str, Any]) -> Any:
    match default:
        case StrEnum():
            return _choice(name, text, type(default))
        case int():
            return _number(name, text, limits["least"], limits["most"])
        case tuple():
            return _list(name, text, limits["form"])
        case _:
            return _text(name, text, limits["form"])


def _text(name: str, text: str, form: tuple[str, str] | None) -> str:
    if form is not None and not re.fullmatch(form[0], text):
        raise SettingsError(f"{name} is '{text}'; it must be {form[1]}.")
    return text


def _list(name: str, text: str, form: tuple[str, str]) -> tuple[str, ...]:
    items = [item.strip() for item in text.split(",")]
    if not all(re.fullmatch(form[0], item) for item in items):
        raise SettingsError(f"{name} is '{text}'; it must be {form[1]}.")
    return tuple(dict.fromkeys(items))


def _choice(name: str, text: str, choices: type[StrEnum]) -> StrEnum:
    try:
        return choices(text.lower())
    except ValueError:
        raise SettingsError(f"{name} is '{text}'; it must be one of {', '.join(choices)}.") from None


def _number(name: str, text: str, least: int, most: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise SettingsError(f"{name} is '{text}'; it must be a whole number from {least} to {most}.")
    return value

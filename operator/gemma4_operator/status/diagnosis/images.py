"""Why a node cannot get an image: what containerd, CRI-O and Docker pass on of a registry's answer.

Newer kubelets put the error behind `Back-off pulling image`; with older ones it stands only in the event `Failed`.
"""

import re
from typing import Final

from gemma4_operator.status.diagnosis.rules import Diagnosis, Rule, first, text_like
from gemma4_operator.status.evidence import Evidence
from gemma4_operator.status.pods import ContainerView
from gemma4_operator.status.reasons import Reason
from gemma4_operator.status.redact import shorten

# A status of HTTP stands alone; the same digits in a tag, a port or a digest do not.
WAITING: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "ImageInspectError",
        "SignatureValidationFailed",
    }
)
"""Reasons of kubernetes/pkg/kubelet/images/types.go."""
_EVENTS: Final = ("Failed", "ErrImageNeverPull", "InspectFailed", "FailedCreatePodSandBox", "FreeDiskSpaceFailed")

RULES: Final = (
    Rule(
        Reason.NODE_DISK_FULL,
        "containerd and Docker while they unpack; the kubelet's collector of old images",
        text_like(r"no space left on device|disk quota exceeded|failed to garbage collect required amount of images"),
    ),
    Rule(
        Reason.IMAGE_PLATFORM_MISMATCH,
        "containerd, Docker and CRI-O (containers/image) of an index without the node's architecture",
        text_like(
            r"no match for platform|no matching manifest for|no image found in (?:image index|manifest list)"
            r"|does not match the (?:specified|expected|detected) (?:host )?platform|exec format error"
        ),
    ),
    Rule(
        Reason.IMAGE_PULL_RATE_LIMITED,
        "the registries' 429; the kubelet's own limit (registryPullQPS)",
        text_like(r"(?<![\w.:/-])429\b|toomanyrequests|too many requests|rate limit|pull QPS exceeded"),
    ),
    Rule(
        Reason.IMAGE_ENTITLEMENT_REQUIRED,
        "nvcr.io's 402 and its code DENIED",
        re.compile(
            r"(?<![\w.:/-])402\b|[Pp]ayment [Rr]equired|\bDENIED\b"
            r"|(?i:subscription|entitle|licen[cs]e|terms of use|accept the terms)"
        ),
    ),
    Rule(
        Reason.TLS_UNTRUSTED,
        "Go's crypto/tls; a registry without TLS",
        text_like(r"x509|certificate|server gave HTTP response to HTTPS client"),
    ),
    Rule(
        Reason.NETWORK_UNREACHABLE,
        "Go's net and net/http on the way to a registry; its answers 500 to 504",
        text_like(
            r"no such host|server misbehaving|name resolution|i/o timeout|handshake timeout"
            r"|connection (?:refused|reset)"
            r"|network is unreachable|no route to host|deadline exceeded|request canceled|proxyconnect"
            r"|unexpected EOF|: EOF\b|\b50[0234] (?:Internal|Bad|Service|Gateway)|Client\.Timeout|broken pipe"
        ),
    ),
    Rule(
        Reason.IMAGE_PULL_UNAUTHORIZED,
        "the registries' 401 and 403, and a token without the scope",
        text_like(
            r"(?<![\w.:/-])40[13]\b|unauthorized|insufficient_scope|authentication required|authorization failed"
            r"|access denied"
            r"|no basic auth credentials|failed to authorize|\bdenied\b|forbidden|invalid username|credentials"
        ),
    ),
    Rule(
        Reason.IMAGE_NOT_FOUND,
        "the registries' 404, names that cannot be parsed, and the policy Never",
        text_like(
            r"manifest unknown|manifest for .{1,300} not found|not found|name unknown|name_unknown|(?<![\w.:/-])404\b"
            r"|does not exist|invalid ?image ?name|couldn't parse image|failed to parse image|invalid reference format"
            r"|not present with pull policy|ErrImageNeverPull|failed to apply default image tag"
        ),
    ),
)


def image_wanting(evidence: Evidence) -> Diagnosis | None:
    """Return why a container waits for its image."""
    for container in waiting_for_image(evidence):
        said = [f"{container.waiting}: {container.message}" if container.message else container.waiting]
        events = [
            event.message
            for event in evidence.told(*_EVENTS)
            if not event.message.startswith("Error: ") and (event.kind != "Pod" or _about(event.message, container))
        ]
        found = first(RULES, [*said, *events])
        secrets = evidence.told("FailedToRetrieveImagePullSecret")
        return _diagnosis(container, found.reason if found else None, found.quote if found else said[0], secrets)
    return None


def waiting_for_image(evidence: Evidence) -> tuple[ContainerView, ...]:
    """Return the containers that wait for their images, in the order of their names."""
    containers = evidence.pod.containers if evidence.pod is not None else ()
    return tuple(sorted((item for item in containers if item.waiting in WAITING), key=lambda item: item.name))


def _about(said: str, container: ContainerView) -> bool:
    """Whether an event of the pod is about this image: a pod may have others."""
    named = re.search(r'image "([^"]+)"', said)
    return named is None or not container.image or named[1] == container.image or container.image.endswith(named[1])


def _diagnosis(container: ContainerView, reason: Reason | None, said: str, secrets: tuple[object, ...]) -> Diagnosis:
    image = f" '{container.image}'" if container.image and container.image not in said else ""
    message = f"container '{container.name}' waits for its image{image}, {said.rstrip('.')}."
    if secrets and reason in {None, Reason.IMAGE_PULL_UNAUTHORIZED, Reason.IMAGE_NOT_FOUND}:
        message += f" {shorten(str(getattr(secrets[0], 'message', '')), 160)}"
        reason = reason or Reason.IMAGE_PULL_UNAUTHORIZED
    return Diagnosis(reason=reason or Reason.IMAGE_PULL_FAILED, message=message)

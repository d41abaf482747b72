"""What the reader of each page has before: files of one's own, a cluster or none, resources in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import yaml

from tests.cluster.fakenodes import FAULT_LABEL
from tests.docs.blocks import ROOT, blocks_of
from tests.integration.home import sample
from tests.unit.cli.calls import deployment

_EXAMPLES = ROOT / "docs" / "guides" / "examples"
_NODES = (_EXAMPLES / "nodes.json").read_text()
_SUPPORT = (_EXAMPLES / "support.yaml").read_text()
_CHAT = yaml.safe_dump(sample("chat"))
_MODELS = f"{_SUPPORT}---\n{yaml.safe_dump(deployment('chat', sample('chat')['spec']))}"
_SERVE = ("kubectl apply -f chat.yaml", "kubectl wait g4d/chat --for=condition=Ready --timeout=240s")
_COMMIT = "git -c user.name=a -c user.email=a@example.com commit --quiet --message"
_AUTOSCALING = '{"spec": {"replicas": null, "autoscaling": {"maxReplicas": 2}}}'


class Needs(Enum):
    """What a page's commands meet."""

    DESK = "no cluster"
    CLUSTER = "a cluster with an operator"
    EMPTY_CLUSTER = "a cluster without one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What there is before a page's first command."""

    needs: Needs
    namespace: str = ""
    """The one that the page names; empty: any will do."""
    programs: tuple[str, ...] = ()
    """Those of others that not every machine has."""
    files: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By heading: commands that the page leaves to its reader."""


def _overrides() -> str:
    """Return the text under `catalog.overrides` of the chart's values in the guide."""
    (values, *_) = (block.text for block in blocks_of("docs/guides/air-gap.md") if block.language == "yaml")
    return yaml.safe_dump(yaml.safe_load(values)["catalog"]["overrides"])


def _trace() -> str:
    """Return a log of two minutes with four requests a second."""
    rows = [f"2026-11-02 09:{at // 240:02}:{at // 4 % 60:02}.{at % 4 * 25:02},1000,100" for at in range(480)]
    return "\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows, ""])


SCENES: Mapping[str, Scene] = {
    "README.md": Scene(needs=Needs.CLUSTER),
    "docs/guides/adapters.md": Scene(needs=Needs.DESK),
    "docs/guides/air-gap.md": Scene(needs=Needs.DESK, files={"nodes.json": _NODES, "overrides.yaml": _overrides()}),
    "docs/guides/engines.md": Scene(
        needs=Needs.CLUSTER,
        files={
            "chat.yaml": yaml.safe_dump(sample("chat", on="VLLM", engine={"extraArgs": ["--max-num-seqs", "8"]})),
        },
        before={
            "Arguments and variables of your own": (
                "kubectl apply -f chat.yaml",
                "kubectl wait g4d/chat --for=condition=Stalled --timeout=240s",
            )
        },
    ),
    "docs/guides/first-model.md": Scene(needs=Needs.CLUSTER),
    "docs/guides/from-hosted-api.md": Scene(needs=Needs.CLUSTER, namespace="team-a"),
    "docs/guides/gitops.md": Scene(
        needs=Needs.DESK,
        files={
            "models.yaml": _SUPPORT,
            "nodes.json": _NODES,
            "apps/ai/models.yaml": _SUPPORT,
            "clusters/prod/nodes.json": _NODES,
        },
        before={
            "The pull request": (
                "git init --quiet --initial-branch=main",
                f"git add models.yaml apps && {_COMMIT} before",
                "git update-ref refs/remotes/origin/main HEAD && git switch --quiet --create change",
                "sed -i 's/requestsPerMinute: 120/requestsPerMinute: 240/' models.yaml apps/ai/models.yaml",
                f"git add models.yaml apps && {_COMMIT} after",
                "cp manifests/gitops/pull-request/plan.sh ~/bin",
            )
        },
    ),
    "docs/guides/install.md": Scene(needs=Needs.EMPTY_CLUSTER),
    "docs/guides/inventory.md": Scene(needs=Needs.CLUSTER, files={"chat.yaml": _CHAT}),
    "docs/guides/latency.md": Scene(needs=Needs.DESK),
    "docs/guides/memory.md": Scene(
        needs=Needs.CLUSTER,
        files={
            "chat.yaml": _CHAT,
            "points.csv": "variant,kv_dtype,tp,ctx,mnbt,pool_gib\n31B,bf16,1,131072,2048,24\n",
        },
        before={"What the engine made of it": _SERVE},
    ),
    "docs/guides/planning.md": Scene(
        needs=Needs.CLUSTER,
        namespace="team-a",
        programs=("jq",),
        files={
            "models.yaml": _MODELS,
            "nodes.json": _NODES,
            "apps/ai/models.yaml": _MODELS,
            "clusters/prod/nodes.json": _NODES,
        },
        before={
            "Review a pull request": (
                "git init --quiet --initial-branch=main",
                f"git add models.yaml && {_COMMIT} before",
            )
        },
    ),
    "docs/guides/scaling.md": Scene(
        needs=Needs.CLUSTER,
        files={"chat.yaml": _CHAT, "chats.csv": _trace()},
        before={
            "A fixed number": _SERVE,
            "The operator's own autoscaler": (
                f"kubectl patch g4d/chat --type merge -p '{_AUTOSCALING}'",
                "kubectl wait g4d/chat --for=jsonpath='{.status.autoscaling.desiredReplicas}' --timeout=240s",
            ),
        },
    ),
    "docs/guides/troubleshooting.md": Scene(
        needs=Needs.CLUSTER,
        namespace="team-a",
        files={"chat.yaml": _CHAT},
        before={
            "When it does not serve": _SERVE,
            "A pod that is not the operator's": (
                f"kubectl run chat-7c9d-x2k4q --image=registry.example/engine:1 --labels={FAULT_LABEL}=OOMKilled",
                "kubectl wait pod/chat-7c9d-x2k4q --timeout=240s"
                " --for=jsonpath='{.status.containerStatuses[0].state.waiting.reason}'=CrashLoopBackOff",
            ),
        },
    ),
}


def needing(needs: Needs) -> list[str]:
    """Return the pages whose commands meet this."""
    return [page for page, scene in SCENES.items() if scene.needs is needs]

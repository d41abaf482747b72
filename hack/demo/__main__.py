"""`python -m hack.demo up|down`."""

import argparse
import contextlib
import http.client
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from hack.demo import install
from hack.demo.chat import Turn, ask
from hack.demo.show import Show, short
from tests.cluster import Cluster, ClusterError, binaries, wait_for
from tests.cluster.__main__ import clusters_root
from tests.cluster.debian import why_no_node
from tests.cluster.recipes import RECIPES

NAME = "demo"
TEAM = "team-a"
SAMPLES = install.ROOT / "manifests" / "samples"
DEMO_SAMPLE = SAMPLES / "demo-chat.yaml"
LLAMA_IMAGE = "gemma4.dev/demo/llama-server:local"
OPERATOR_IMAGE = "gemma4.dev/demo/gemma4-operator:local"
CONVERSATION = (
    Turn(role="user", content="What is the capital of Italy?"),
    Turn(role="assistant", content="The capital of Italy is Rome."),
    Turn(role="user", content="What is the capital of France?"),
)


def up() -> None:
    """Start everything, show what happens, and leave it running."""
    why_not = why_no_node()
    if (clusters_root() / NAME).exists():
        down()
    clusters_root().mkdir(parents=True, exist_ok=True)
    # Nothing on this stack is ever called: what has been started stays, and `down` finds it.
    started = contextlib.ExitStack()
    if why_not is None:
        with_a_real_node(Show(steps=7), root=clusters_root(), guarded=False, started=started)
    else:
        with_fake_nodes(Show(steps=5), why_not, root=clusters_root(), guarded=False, started=started)


def with_a_real_node(show: Show, *, root: Path, guarded: bool, started: contextlib.ExitStack) -> None:
    """Show everything, up to an answer.

    Args:
        show: Where it is shown.
        root: Where the cluster's folder is made.
        guarded: Whether all must end with this process, as in a test.
        started: Gets what ends each thing that was started.
    """
    from tests.cluster import engines, images
    from tests.cluster.node import RealNode, create_bridge
    from tests.cluster.real.storage import weights_volume

    show.step("Programs, engine and weights (the first time: about 25 minutes on 2 cores; later from the cache)")
    _locate_programs()
    weights = engines.weights()
    engines.llama_server()

    show.step("A Kubernetes of this machine: control plane, kubelet, containerd, one node that says to have a GPU")
    bridge = create_bridge(guarded=guarded)
    started.callback(bridge.close)
    cluster = Cluster.start(name=NAME, root=root, bind_address=bridge.gateway, guarded=guarded)
    started.callback(cluster.stop)
    node = RealNode.start(cluster=cluster, gpus=1, bridge=bridge, guarded=guarded)
    started.callback(node.stop)
    node.import_image(images.llama_server(name=LLAMA_IMAGE))
    node.import_image(images.operator(name=OPERATOR_IMAGE))
    show.run(cluster, "get", "nodes", "-L", "nvidia.com/gpu.product")

    show.step("The operator, from manifests/base, in a pod of its own")
    show.run(cluster, "apply", "--server-side", "-f", "-", stdin=install.manifests(cluster, image=OPERATOR_IMAGE))
    show.run(cluster, "rollout", "status", "-n", install.NAMESPACE, "deployment/gemma4-operator", "--timeout=120s")

    show.step(f"A team's namespace under the restricted Pod Security Standard, with weights on a claim: {weights.name}")
    _make_team(show, cluster)
    cluster.apply(weights_volume(weights.parent, node=node.name, namespace=TEAM, claim="weights"))

    show.step("A Gemma4Deployment becomes a pod that answers")
    show.run(cluster, "apply", "-n", TEAM, "-f", str(DEMO_SAMPLE))
    show.run(cluster, "wait", "-n", TEAM, "gemma4deployment/chat", "--for=condition=Ready", "--timeout=240s")
    _look(show, cluster)

    show.step("A question over the Service")
    _chat(show, cluster)

    show.step("The other samples ask for GPUs that this machine has not; the status says so")
    _apply_other_samples(show, cluster)
    show.say("They go again, since they would take the one GPU as soon as the first pod is replaced:")
    show.run(cluster, "delete", "-n", TEAM, *_files(_other_samples()))
    _goodbye(show, cluster)


def with_fake_nodes(show: Show, why_not: str, *, root: Path, guarded: bool, started: contextlib.ExitStack) -> None:
    """Show what can be shown without a real node, up to Ready pods that answer nothing. Arguments as above."""
    show.say(f"No real node here: {why_not}. Fake nodes take its place: pods become Ready, but nothing answers a chat.")

    show.step("Programs (the first time: about 13 minutes on 2 cores; later from the cache)")
    _locate_programs()

    show.step("A Kubernetes of this machine with four fake nodes of 8 GPUs")
    cluster = Cluster.start(name=NAME, root=root, guarded=guarded)
    started.callback(cluster.stop)
    cluster.add_fake_nodes(4)
    show.run(cluster, "get", "nodes", "-L", "nvidia.com/gpu.product")

    show.step("The operator, as a process with its ServiceAccount's token and the role of manifests/base")
    text = install.without_deployment(install.manifests(cluster, image=OPERATOR_IMAGE))
    show.run(cluster, "apply", "--server-side", "-f", "-", stdin=text)
    operator = install.start_process(cluster, guarded=guarded)
    started.callback(operator.stop)
    show.say(short(f"log: {operator.log}"))

    show.step("A team's namespace under the restricted Pod Security Standard")
    _make_team(show, cluster)

    show.step("Every sample becomes a Deployment, a Service and a PodDisruptionBudget")
    _apply_other_samples(show, cluster)
    _goodbye(show, cluster)


def _locate_programs() -> None:
    binaries.locate(*(name for recipe in RECIPES if not recipe.for_tests_only for name in recipe.names))


def _make_team(show: Show, cluster: Cluster) -> None:
    show.run(cluster, "create", "namespace", TEAM)
    show.run(cluster, "label", "namespace", TEAM, "pod-security.kubernetes.io/enforce=restricted")


def _look(show: Show, cluster: Cluster) -> None:
    show.run(cluster, "get", "-n", TEAM, "gemma4deployments", "-o", "wide")
    show.run(cluster, "get", "-n", TEAM, "deployments,services,poddisruptionbudgets,pods")
    show.run(cluster, "describe", "-n", TEAM, "gemma4deployment", "chat")
    show.run(cluster, "events", "-n", TEAM, "--for", "gemma4deployment/chat")


def _chat(show: Show, cluster: Cluster) -> None:
    address = cluster.get("service", "chat", TEAM)["spec"]["clusterIP"]
    endpoint = cluster.get("gemma4deployments", "chat", TEAM)["status"]["endpoint"]
    # There is no DNS server here, so the name in the status is written as the address behind it.
    url = endpoint["url"].replace(f"chat.{TEAM}.svc", address)
    show.say(f"POST {url}/chat/completions  (in the cluster: {endpoint['url']})")
    for turn in CONVERSATION:
        show.say(f"  {turn.role + ':':11}{turn.content}")
    # Pod and Service are ready before kube-proxy has heard of them.
    answer = wait_for(
        lambda: ask(url, model=endpoint["model"], conversation=CONVERSATION),
        30,
        f"{url} to answer",
        retry_on=(OSError, http.client.HTTPException),
    )
    show.say(f"  assistant: {answer.text}    <- the model")
    show.say(f"  ({answer.prompt_tokens} + {answer.completion_tokens} tokens, by Gemma 3 270M in E2B's place)")


def _other_samples() -> list[Path]:
    return sorted(path for path in SAMPLES.glob("*.yaml") if path != DEMO_SAMPLE)


def _files(paths: Sequence[Path]) -> list[str]:
    return [part for path in paths for part in ("-f", str(path))]


def _apply_other_samples(show: Show, cluster: Cluster) -> None:
    show.run(cluster, "apply", "-n", TEAM, *_files(_other_samples()))
    names = "gemma4deployments"
    condition = "--for=jsonpath={.status.observedGeneration}=1"
    show.run(cluster, "wait", "-n", TEAM, names, "--all", condition, "--timeout=60s")
    with contextlib.suppress(TimeoutError):
        # Until a scheduler has said no, or fake pods are Ready.
        wait_for(lambda: not _under_way(cluster), 10, lambda: f"an end of {_under_way(cluster)}")
    columns = "NAME:.metadata.name,READY:.status.conditions[?(@.type=='Ready')].status,"
    columns += "REASON:.status.conditions[?(@.type=='Ready')].reason,"
    columns += "MESSAGE:.status.conditions[?(@.type=='Ready')].message"
    show.run(cluster, "get", "-n", TEAM, names, "-o", f"custom-columns={columns}")


def _under_way(cluster: Cluster) -> list[str]:
    """Return the resources of which nobody can say yet whether they will serve."""
    reasons = {
        item["metadata"]["name"]: one["reason"]
        for item in cluster.get("gemma4deployments", namespace=TEAM)["items"]
        for one in item.get("status", {}).get("conditions", ())
        if one["type"] == "Ready"
    }
    return [name for name, reason in reasons.items() if reason in ("Progressing", "StillStarting")]


def _goodbye(show: Show, cluster: Cluster) -> None:
    show.say("\nIt all keeps running. Look around:")
    show.say(short(f"  export KUBECONFIG={cluster.kubeconfig}"))
    show.say(short(f"  export PATH={binaries.locate('kubectl')['kubectl'].parent}:$PATH"))
    show.say(f"  kubectl get gemma4deployments -n {TEAM} --watch")
    show.say("Remove it with: make demo-down")


def down() -> None:
    """Remove everything that `up` has made, however far it came."""
    if why_no_node() is None:
        from tests.cluster.real.command import remove_standing

        remove_standing()
    directory = clusters_root() / NAME
    if directory.exists():
        with contextlib.suppress(ClusterError):
            cluster = Cluster.attach(directory)
            install.stop_process(cluster)
            cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    """Run one of the two; errors are one sentence."""
    parser = argparse.ArgumentParser(prog="python -m hack.demo", description=__doc__)
    parser.add_argument("what", choices=["up", "down"], help="start the demo and leave it running, or remove it")
    options = parser.parse_args(arguments)
    try:
        if options.what == "up":
            up()
        else:
            down()
            print("demo: everything is gone")
    except (ClusterError, OSError) as error:  # a time-out and a refused connection are OSErrors
        print(f"demo: {error}\ndemo: `make demo-down` removes what has been started", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

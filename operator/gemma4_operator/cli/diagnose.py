"""`gemma4 diagnose`: the one cause for which a pod does not serve, from a cluster or from what kubectl prints."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gemma4_operator.cli.access import access, add_access, clusters_namespace
from gemma4_operator.cli.concerned import may_concern
from gemma4_operator.cli.inputs import STDIN, InvalidInput, Object, objects_in, place, read_text
from gemma4_operator.cli.output import add_output, columns, emit
from gemma4_operator.cli.verb import Exit, Verb
from gemma4_operator.status.diagnosis.cause import find_cause
from gemma4_operator.status.diagnosis.rules import Diagnosis
from gemma4_operator.status.evidence import Evidence, gather

_OF_A_STATUS = frozenset({"phase", "conditions", "containerStatuses", "initContainerStatuses"})
"""Fields of which a pod's status has at least one."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "name",
        nargs="?",
        metavar="POD",
        help="a pod of the cluster; its events and log are read too",
    )
    add("-n", "--namespace", metavar="N", help="where POD is (default: the context's, or default)")
    add(
        "--pod",
        metavar="FILE",
        help="what `kubectl get pod NAME -o json` prints, or its status alone; - for standard input",
    )
    add(
        "--events",
        metavar="FILE",
        help="what `kubectl get events -o json` prints; only those about the pod, its node, claims and owners count",
    )
    add("--log", metavar="FILE", help="the end of the failing container's log, of its previous run if it was restarted")
    add_access(parser)
    add_output(parser)


def _run(args: argparse.Namespace) -> Exit:
    given = [path for path in (args.pod, args.events, args.log) if path is not None]
    if args.name is None and (args.namespace or access(args).is_named):
        raise InvalidInput("`-n`, `--context` and `--kubeconfig` must be given with `POD` alone: files need no cluster")
    if args.name is not None and given:
        raise InvalidInput("`POD` must be alone, or files be given in its place: a pod of the cluster needs none")
    evidence = _of_files(args, given) if args.name is None else _of_cluster(args)
    result = _result(find_cause(evidence), evidence)
    emit(result, args.output, table=lambda: _table(result))
    return Exit.OK


def _of_cluster(args: argparse.Namespace) -> Evidence:
    # The client takes most of a second to import, and files need none.
    from gemma4_operator.cli.cluster import pod_evidence

    namespace = clusters_namespace(args, instead="`--pod`")
    return pod_evidence(args.name, namespace, access(args), doubt=lambda why: print(f"gemma4: {why}", file=sys.stderr))


def _of_files(args: argparse.Namespace, given: Sequence[str]) -> Evidence:
    if args.pod is None and args.events is None:
        raise InvalidInput("`POD` or `--pod` must be given, or `--events` where no pod was ever made")
    if given.count(STDIN) > 1:
        raise InvalidInput("`-` must be given once: standard input can be read only once")
    pod = _read_pod(args.pod) if args.pod is not None else None
    events = _read_events(args.events, pod) if args.events is not None else ()
    return gather(pod, events, read_text(args.log, may_be_cut=True) if args.log is not None else "")


def _read_pod(path: str) -> Object:
    where = place(path)
    objects = objects_in(read_text(path), where=where)
    whole = [one for one in objects if one.get("kind", "Pod") == "Pod" and isinstance(one.get("status"), dict)]
    pods = whole or [{"status": one} for one in objects if "kind" not in one and _OF_A_STATUS & one.keys()]
    if len(pods) != 1:
        has = f"{len(pods)} of them" if pods else "none"
        raise InvalidInput(f"{where}: must hold one Pod, as `kubectl get pod NAME -o json` prints it, and has {has}")
    return pods[0]


def _read_events(path: str, pod: Mapping[str, Any] | None) -> Sequence[Object]:
    """Return the events of a file; of a namespace's, those about others belong to other diagnoses."""
    where = place(path)
    objects = objects_in(read_text(path), where=where)
    for one in objects:
        if not isinstance(one.get("reason"), str):
            raise InvalidInput(
                f"{where}: must hold what `kubectl get events -o json` prints, and has one without `reason`"
            )
    return [one for one in objects if pod is None or may_concern(one, pod)]


def _result(cause: Diagnosis | None, evidence: Evidence) -> dict[str, Any]:
    if cause is not None:
        reason = cause.reason
        told = {"message": cause.message, "fixableBy": reason.fixable_by, "retryable": reason.retryable}
        return {"reason": reason.value, **told, "advice": reason.advice}
    serves = evidence.pod is not None and evidence.pod.ready
    return {
        "reason": None,
        "message": "The pod serves." if serves else "Nothing in what was given says why.",
        "fixableBy": None,
        "retryable": False,
        "advice": "Nothing to do." if serves else "Give the pod, its events and the end of its log together.",
    }


def _table(result: Mapping[str, Any]) -> str:
    again = "a new attempt may help" if result["retryable"] else "a new attempt changes nothing"
    rows = [("cause", f"{result['reason'] or 'none'}"), ("message", result["message"])]
    if result["fixableBy"] is not None:
        rows.append(("fixed by", f"{result['fixableBy']}; {again}"))
    return columns([*rows, ("advice", result["advice"])])


VERB = Verb(
    name="diagnose",
    summary="say why a pod does not serve, who can mend it, and how",
    details=(
        "Find the one cause of a pod that does not serve, as the operator does for its status.\n"
        "Tokens and passwords in events and logs are not repeated. The exit code is 0 also where a cause is found.\n\n"
        "examples:\n"
        "  gemma4 diagnose chat-7c9d-x2k4q -n team-a\n"
        "  kubectl get pod chat-7c9d-x2k4q -o json | gemma4 diagnose --pod -\n"
        "  gemma4 diagnose --pod pod.json --events events.json --log vllm.log -o json"
    ),
    add_arguments=_add_arguments,
    run=_run,
)

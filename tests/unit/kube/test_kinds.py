"""Where the API server keeps objects."""

from gemma4_operator.kube import kinds
from gemma4_operator.kube.kinds import DEPLOYMENT, POD, Kind


def test_core_kinds_live_under_api_and_others_under_apis() -> None:
    assert POD.path(namespace="a", name="b") == "/api/v1/namespaces/a/pods/b"
    assert DEPLOYMENT.path(namespace="a", name="b") == "/apis/apps/v1/namespaces/a/deployments/b"


def test_without_a_namespace_it_is_the_whole_cluster() -> None:
    assert DEPLOYMENT.path() == "/apis/apps/v1/deployments"


def test_nodes_and_namespaces_alone_are_in_no_namespace() -> None:
    known = [kind for kind in vars(kinds).values() if isinstance(kind, Kind)]
    assert [kind.kind for kind in known if not kind.namespaced] == ["Namespace", "Node"]


def test_a_subresource_follows_the_name() -> None:
    kind = Kind(group="gemma4.dev", version="v1alpha1", kind="X", plural="xs")
    assert kind.path(namespace="a", name="b", subresource="status") == (
        "/apis/gemma4.dev/v1alpha1/namespaces/a/xs/b/status"
    )

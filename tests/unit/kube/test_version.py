"""How old a control plane may be: the rules of the definition are enforced from Kubernetes 1.30 on."""

import pytest

from gemma4_operator.kube.version import is_old, too_old


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("v1.30.0", False),
        ("v1.31.2-eks-7f9249a", False),
        ("1.36", False),
        ("v2.0.0", False),
        ("v1.29.14", True),
        ("v1.9.0", True),
        ("v0.30.0", True),
        ("", None),
        ("nightly", None),
    ],
)
def test_a_version_is_compared_by_its_numbers(version: str, verdict: bool | None) -> None:
    assert is_old(version) is verdict


def test_it_says_what_it_is_what_it_must_be_and_what_to_do() -> None:
    assert too_old("v1.29.1") == (
        "Kubernetes is v1.29.1 and must be 1.30 or newer: older ones do not enforce all rules of the definition. "
        "Upgrade the control plane."
    )

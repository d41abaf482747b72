"""The chart's copy of a CRD, as text."""

import pytest

from hack.chart import crd_template

CRD = (
    "# Generated.\napiVersion: v1\nmetadata:\n"
    "  annotations:\n    one.example.org/prune: never\n    two.example.org/prune: 'no'\n"
    "  name: things.example.org\nspec:\n  metadata:\n  scope: Namespaced\n"
)


def test_it_is_the_same_text_between_two_switches():
    assert crd_template(CRD) == (
        "{{- if .Values.crds.enabled }}\n"
        "# Generated.\napiVersion: v1\nmetadata:\n"
        "  {{- if .Values.crds.keep }}\n"
        "  annotations:\n"
        "    helm.sh/resource-policy: keep\n"
        "    # The same to Argo CD and Flux, which else take it away with whatever else is rendered no more.\n"
        "    one.example.org/prune: never\n"
        "    two.example.org/prune: 'no'\n"
        "  {{- end }}\n"
        "  name: things.example.org\nspec:\n  metadata:\n  scope: Namespaced\n"
        "{{- end }}\n"
    )


def test_braces_of_the_crd_are_not_taken_for_a_template():
    assert 'such as {{ "{{" }}x}}\n' in crd_template(CRD + "  description: such as {{x}}\n")


@pytest.mark.parametrize(
    "crd",
    [
        "apiVersion: v1\n",
        "metadata:\n  name: x\nspec:\n  annotations:\n    a: b\n",
    ],
)
def test_a_crd_that_nothing_keeps_is_refused(crd: str):
    with pytest.raises(ValueError, match="must have metadata that begin with annotations"):
        crd_template(crd)

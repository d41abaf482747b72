"""The chart's copy of a CRD, as text."""

import pytest

from hack.chart import crd_template

CRD = "# Generated.\napiVersion: v1\nmetadata:\n  name: things.example.org\nspec:\n  metadata:\n  scope: Namespaced\n"


def test_it_is_the_same_text_between_two_switches():
    assert crd_template(CRD) == (
        "{{- if .Values.crds.enabled }}\n"
        "# Generated.\napiVersion: v1\nmetadata:\n"
        "  {{- if .Values.crds.keep }}\n"
        "  annotations:\n"
        "    helm.sh/resource-policy: keep\n"
        "    # The same to Argo CD, which else takes it away with whatever else the chart renders no more.\n"
        "    argocd.argoproj.io/sync-options: Prune=false\n"
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
        "metadata:\n  annotations:\n    a: b\n  name: x\nspec: {}\n",
    ],
)
def test_a_crd_it_cannot_extend_is_refused(crd: str):
    with pytest.raises(ValueError, match="metadata without annotations"):
        crd_template(crd)

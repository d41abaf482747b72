"""The chart's copy of a CRD: the same text, switched and kept by values."""

import re

_ANNOTATIONS = re.compile(r"^metadata:\n  annotations:\n(?P<own>(?:    .*\n)+)", re.MULTILINE)
_OPTIONS = """metadata:
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
    # The same to Argo CD and Flux, which else take it away with whatever else is rendered no more.
"""


def crd_template(crd: str) -> str:
    """Turn the YAML text of one CRD, which must have annotations that keep it, into a template of the chart.

    Text that Helm would take for a template of its own is quoted.
    """
    escaped = crd.replace("{{", '{{ "{{" }}')
    with_options, found = _ANNOTATIONS.subn(_switched, escaped, count=1)
    if not found:
        raise ValueError("the CRD must have metadata that begin with annotations")
    return f"{{{{- if .Values.crds.enabled }}}}\n{with_options.rstrip()}\n{{{{- end }}}}\n"


def _switched(annotations: re.Match[str]) -> str:
    return f"{_OPTIONS}{annotations['own']}  {{{{- end }}}}\n"

"""The chart's copy of a CRD: the same text, switched and kept by values."""

import re

_METADATA = re.compile(r"^metadata:\n", re.MULTILINE)
_OPTIONS = """metadata:
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
    # The same to Argo CD, which else takes it away with whatever else the chart renders no more.
    argocd.argoproj.io/sync-options: Prune=false
  {{- end }}
"""


def crd_template(crd: str) -> str:
    """Turn the YAML text of one CRD into a template of the chart.

    Text that Helm would take for a template of its own is quoted. The CRD must not have annotations of its own.
    """
    escaped = crd.replace("{{", '{{ "{{" }}')
    with_options, found = _METADATA.subn(_OPTIONS, escaped, count=1)
    if not found or "\n  annotations:" in crd.split("\nspec:")[0]:
        raise ValueError("the CRD must have metadata without annotations")
    return f"{{{{- if .Values.crds.enabled }}}}\n{with_options.rstrip()}\n{{{{- end }}}}\n"

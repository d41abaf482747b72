{{/* Which operator it is: its Lease, and the namespaces that are its own. */}}
{{- define "gemma4-operator.identity" -}}
- name: GEMMA4_LEASE_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: GEMMA4_LEASE_NAME
  value: {{ include "gemma4-operator.fullname" . | quote }}
{{- with (.Values.watch).namespaces }}
- name: GEMMA4_WATCH_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- end -}}

{{/* What the operator is told, beside which one it is. */}}
{{- define "gemma4-operator.settings" -}}
- name: GEMMA4_IDENTITY
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: GEMMA4_LOG_LEVEL
  value: {{ .Values.operator.logLevel | quote }}
- name: GEMMA4_LOG_FORMAT
  value: {{ .Values.operator.logFormat | quote }}
- name: GEMMA4_HEALTH_HOST
  value: "*"
- name: GEMMA4_HEALTH_PORT
  value: {{ .Values.operator.healthPort | quote }}
- name: GEMMA4_WORKERS
  value: {{ .Values.operator.workers | quote }}
- name: GEMMA4_UNPLACED_SECONDS
  value: {{ .Values.operator.unplacedSeconds | quote }}
- name: GEMMA4_METRICS_SECONDS
  value: {{ .Values.operator.metricsSeconds | quote }}
{{- with .Values.prometheus }}
{{- if .url }}
- name: GEMMA4_PROMETHEUS_URL
  value: {{ .url | quote }}
- name: GEMMA4_PROMETHEUS_NAMESPACE_LABEL
  value: {{ .namespaceLabel | quote }}
- name: GEMMA4_PROMETHEUS_POD_LABEL
  value: {{ .podLabel | quote }}
{{- end }}
{{- end }}
- name: GEMMA4_RESYNC_SECONDS
  value: {{ .Values.operator.resyncSeconds | quote }}
{{- if include "gemma4-operator.catalogConfigMap" . }}
- name: GEMMA4_CATALOG_FILE
  value: /etc/gemma4-operator/catalog.yaml
{{- end }}
{{- end -}}

{{/*
A container's variables: those of the chart, each in its place unless extraEnv has one of its name, and then extraEnv.
Takes a list: the context, and the chart's variables as YAML. Variables that other objects are made to fit are refused.
*/}}
{{- define "gemma4-operator.env" -}}
{{- $extra := default (list) (first .).Values.extraEnv -}}
{{- $instead := dict
  "GEMMA4_IDENTITY" "each pod is told its own name"
  "GEMMA4_LEASE_NAMESPACE" "install the release in that namespace"
  "GEMMA4_LEASE_NAME" "set fullnameOverride"
  "GEMMA4_WATCH_NAMESPACES" "set watch.namespaces"
  "GEMMA4_HEALTH_PORT" "set operator.healthPort" -}}
{{- $replaced := dict -}}
{{- range $extra -}}
{{- if hasKey $instead .name -}}
{{- fail (printf "extraEnv must not have %s: %s." .name (get $instead .name)) -}}
{{- end -}}
{{- if hasKey $replaced .name -}}
{{- fail (printf "extraEnv must have each variable once: %s is there twice." .name) -}}
{{- end -}}
{{- $_ := set $replaced .name true -}}
{{- end -}}
{{- $kept := list -}}
{{- range last . | fromYamlArray -}}
{{- if not (hasKey $replaced .name) -}}
{{- $kept = append $kept . -}}
{{- end -}}
{{- end -}}
{{- concat $kept $extra | toYaml -}}
{{- end -}}

{{- define "gemma4-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name, joined to the chart's unless it already contains it. */}}
{{- define "gemma4-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "gemma4-operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "gemma4-operator.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Never by default the account "default": each pod of the namespace that names none would have the operator's rights. */}}
{{- define "gemma4-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "gemma4-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name must be that of an account which exists, since serviceAccount.create is false: give it, or leave serviceAccount.create true." .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "gemma4-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gemma4-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "gemma4-operator.labels" -}}
{{ include "gemma4-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The chart's labels and those of a value; of what both have, the value's. Takes a list: the context, the value. */}}
{{- define "gemma4-operator.labelsWith" -}}
{{- $own := include "gemma4-operator.labels" (first .) | fromYaml -}}
{{- merge (dict) (default (dict) (last .)) $own | toYaml -}}
{{- end -}}

{{/* The labels of the operator's pods. Those by which they are found are nobody else's. */}}
{{- define "gemma4-operator.podLabels" -}}
{{- range $name, $_ := include "gemma4-operator.selectorLabels" . | fromYaml -}}
{{- if hasKey (default (dict) $.Values.podLabels) $name -}}
{{- fail (printf "podLabels must not have %s: the operator's pods are found by it." $name) -}}
{{- end -}}
{{- end -}}
{{- include "gemma4-operator.labelsWith" (list . .Values.podLabels) -}}
{{- end -}}

{{/* The annotations of the operator's pods; of what both have, the value's. */}}
{{- define "gemma4-operator.podAnnotations" -}}
{{- $own := dict "kubectl.kubernetes.io/default-container" "operator" -}}
{{- if include "gemma4-operator.ownCatalog" . -}}
{{- /* The file is read at start: other rows are another pod. */ -}}
{{- $_ := set $own "gemma4.dev/catalog-checksum" (toYaml .Values.catalog.overrides | sha256sum | trunc 16) -}}
{{- end -}}
{{- merge (dict) (default (dict) .Values.podAnnotations) $own | toYaml -}}
{{- end -}}

{{- define "gemma4-operator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Not empty where the catalogue's overrides are in a ConfigMap of the chart's. */}}
{{- define "gemma4-operator.ownCatalog" -}}
{{- if and (.Values.catalog).existingConfigMap (.Values.catalog).overrides -}}
{{- fail "catalog.existingConfigMap and catalog.overrides must not both be set: put the overrides into that ConfigMap." -}}
{{- end -}}
{{- if (.Values.catalog).overrides }}true{{ end -}}
{{- end -}}

{{/* The ConfigMap with the catalogue's overrides; empty without any. */}}
{{- define "gemma4-operator.catalogConfigMap" -}}
{{- if (.Values.catalog).existingConfigMap -}}
{{- .Values.catalog.existingConfigMap -}}
{{- else if include "gemma4-operator.ownCatalog" . -}}
{{- include "gemma4-operator.fullname" . }}-catalog
{{- end -}}
{{- end -}}

{{/* The ports at which the Prometheus of prometheus.url listens, as a YAML list; empty without one. */}}
{{- define "gemma4-operator.prometheusPorts" -}}
{{- $asked := (.Values.prometheus).url -}}
{{- if and $asked .Values.networkPolicy.prometheusPorts -}}
{{- toYaml .Values.networkPolicy.prometheusPorts -}}
{{- else if $asked -}}
{{- $address := urlParse $asked -}}
{{- $port := $address.host | regexFind ":[0-9]+$" | trimPrefix ":" -}}
- {{ default (ternary "443" "80" (eq $address.scheme "https")) $port }}
{{- end -}}
{{- end -}}

{{- define "gemma4-operator.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* Volumes of the user's own, as a YAML list, beside those of the chart. */}}
{{- define "gemma4-operator.extraVolumes" -}}
{{- range .Values.extraVolumes -}}
{{- if has .name (list "tmp" "catalog") -}}
{{- fail (printf "extraVolumes must not have %s: the chart has a volume of that name, so take another." .name) -}}
{{- end -}}
{{- end -}}
{{- with .Values.extraVolumes }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Where they are mounted, as a YAML list. */}}
{{- define "gemma4-operator.extraVolumeMounts" -}}
{{- range .Values.extraVolumeMounts -}}
{{- if has (.mountPath | trimSuffix "/") (list "/tmp" "/etc/gemma4-operator") -}}
{{- fail (printf "extraVolumeMounts must not have %s: the chart has files of its own there, so take another path." .mountPath) -}}
{{- end -}}
{{- end -}}
{{- with .Values.extraVolumeMounts }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* How the operator's pods are spread, as a YAML list; empty: in no way. */}}
{{- define "gemma4-operator.spread" -}}
{{- $selector := dict "matchLabels" (include "gemma4-operator.selectorLabels" . | fromYaml) -}}
{{- $spread := list -}}
{{- range .Values.topologySpreadConstraints -}}
{{- $spread = append $spread (hasKey . "labelSelector" | ternary . (set (deepCopy .) "labelSelector" $selector)) -}}
{{- end -}}
{{- if $spread -}}
{{- toYaml $spread -}}
{{- else if gt (int .Values.replicas) 1 -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    {{- toYaml $selector | nindent 4 }}
{{- end -}}
{{- end -}}

{{/* Where pods of the operator may run. */}}
{{- define "gemma4-operator.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

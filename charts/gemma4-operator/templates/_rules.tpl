{{/* What the operator does with resources and their children, in the whole cluster or in each of its namespaces. */}}
{{- define "gemma4-operator.rules" -}}
# Whatever code does not use is not granted; a missing verb fails a test, because the tests run with this role.
- apiGroups: [gemma4.dev]
  resources: [gemma4deployments]
  verbs: [list, watch]
- apiGroups: [gemma4.dev]
  resources: [gemma4deployments/status]
  verbs: [patch]
# Children carry an owner reference that blocks the owner's deletion. Where the admission plugin
# OwnerReferencesPermissionEnforcement is on (OpenShift), setting one takes this verb; nothing else uses it.
- apiGroups: [gemma4.dev]
  resources: [gemma4deployments/finalizers]
  verbs: [update]
# `get` is for the one look at each child's name before its first write: a stranger's object is never touched.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
# The claims that `spec.cache` asks for; their data is never read.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch{{ if .Values.rbac.diagnosis }}, list{{ end }}]
{{- if .Values.rbac.diagnosis }}
# What a failing pod said last, and the events about it: for the one cause that the status names.
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
{{- end }}
{{- end -}}

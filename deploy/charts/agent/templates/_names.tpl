{{/* Names are fixed: the agent looks for its Secrets and inventories by them, and a cluster has one agent. */}}
{{- define "agent.name" -}}groundswell-agent{{- end -}}
{{- define "agent.inventoryNamespace" -}}groundswell-system{{- end -}}

{{/* Those that select pods; they never change. */}}
{{- define "agent.selector" -}}
app.kubernetes.io/name: {{ include "agent.name" . }}
{{- end -}}

{{- define "agent.labels" -}}
{{ include "agent.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "agent.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "agent.joinSecret" -}}
{{- .Values.join.existingSecret | default (printf "%s-join" (include "agent.name" .)) -}}
{{- end -}}

{{- define "agent.account" -}}
- kind: ServiceAccount
  name: {{ include "agent.name" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

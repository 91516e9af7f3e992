{{- define "hub.name" -}}
{{- if contains "groundswell" .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-groundswell" (.Release.Name | trunc 28) }}{{- end -}}
{{- end -}}

{{/* Those that select pods; they never change. */}}
{{- define "hub.selector" -}}
app.kubernetes.io/name: groundswell-hub
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hub.redisSelector" -}}
app.kubernetes.io/name: groundswell-redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hub.labels" -}}
app.kubernetes.io/part-of: groundswell
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "hub.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "hub.account" -}}
{{- .Values.serviceAccount.name | default (include "hub.name" .) -}}
{{- end -}}

{{- define "hub.sharedClaim" -}}
{{- .Values.persistence.shared.existingClaim | default (printf "%s-shared" (include "hub.name" .)) -}}
{{- end -}}

{{/* Where CA, keys and the administrator's token are: the front end's, the signer's and replicas' are not the same. */}}
{{- define "hub.sharedFolder" -}}
{{- if gt (int .Values.replicas) 1 -}}/var/lib/groundswell-shared{{- else -}}/var/lib/groundswell/data{{- end -}}
{{- end -}}

{{- define "hub.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "hub.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Called with a list: the chart's scope, and the role that asks. */}}
{{- define "hub.secretMounts" -}}
{{- $role := index . 1 }}
{{- range (index . 0).Values.secrets }}
{{- if or (not .roles) (eq $role "all") (has $role .roles) }}
- { name: secret-{{ .name }}, mountPath: /run/secrets/groundswell/{{ .name }}, readOnly: true }
{{- end }}
{{- end }}
{{- end -}}

{{- define "hub.redisEnv" -}}
{{- with .Values.redis }}
{{- if .passwordSecret }}
- name: REDIS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .passwordSecret }}, key: password } }
{{- end }}
{{- if .included }}
- { name: REDIS_URL, value: 'redis://{{ include "hub.name" $ }}-redis:6379' }
{{- else if .urlSecret }}
- name: REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ .urlSecret }}, key: url } }
{{- else }}
- { name: REDIS_URL, value: {{ .url | quote }} }
{{- end }}
{{- end }}
{{- end -}}

{{/* The port of an external Redis, which its URL has, or nobody but its Secret. */}}
{{- define "hub.redisPort" -}}
{{- $inUrl := "" -}}
{{- with .Values.redis.url -}}{{- $inUrl = (urlParse .).host | regexFind ":[0-9]+$" | trimPrefix ":" -}}{{- end -}}
{{- $inUrl | default .Values.redis.port -}}
{{- end -}}

{{/* Images are for Linux. */}}
{{- define "hub.nodeSelector" -}}
{{- toYaml (merge (deepCopy .Values.nodeSelector) (dict "kubernetes.io/os" "linux")) -}}
{{- end -}}

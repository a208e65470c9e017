{{- /* Name of every object of the release. */ -}}
{{- define "wordpress.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- /* What a Deployment and a Service select pods by; never changes between versions. */ -}}
{{- define "wordpress.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "wordpress.labels" -}}
{{ include "wordpress.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "wordpress.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* Name of a claim; arguments: the root, database or content. */ -}}
{{- define "wordpress.claim" -}}
{{- $root := index . 0 -}}
{{- $volume := index . 1 -}}
{{ (index $root.Values.persistence $volume).existingClaim | default (printf "%s-%s" (include "wordpress.name" $root) $volume) }}
{{- end -}}

{{- /* Name of the Secret with the administrator's password; empty when there is none. */ -}}
{{- define "wordpress.adminSecret" -}}
{{- if .Values.admin.existingSecret -}}
{{ .Values.admin.existingSecret }}
{{- else if .Values.admin.password -}}
{{ include "wordpress.name" . }}-admin
{{- end -}}
{{- end -}}

{{- /* Name of the Secret with the OpenID Connect client's secret; empty without a provider. */ -}}
{{- define "wordpress.oidcSecret" -}}
{{- if .Values.oidc.issuer -}}
{{ .Values.oidc.existingSecret | default (printf "%s-oidc" (include "wordpress.name" .)) }}
{{- end -}}
{{- end -}}

{{- /* The configuration file that the app gets. */ -}}
{{- define "wordpress.override" -}}
{{ tpl (.Files.Get "config/override.yaml") . }}
{{- end -}}

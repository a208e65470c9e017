{{- /* Name of every object of the release. */ -}}
{{- define "notes.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- /* What a Deployment and a Service select pods by; never changes between versions. */ -}}
{{- define "notes.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "notes.labels" -}}
{{ include "notes.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "notes.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "notes.claim" -}}
{{ .Values.persistence.existingClaim | default (printf "%s-data" (include "notes.name" .)) }}
{{- end -}}

{{- /* Name of the Secret with the token for deleting; empty when there is none. */ -}}
{{- define "notes.tokenSecret" -}}
{{- if .Values.apiToken.existingSecret -}}
{{ .Values.apiToken.existingSecret }}
{{- else if .Values.apiToken.value -}}
{{ include "notes.name" . }}-api-token
{{- end -}}
{{- end -}}

{{- /* Name of the Secret with the OpenID Connect client's secret; empty when there is no login. */ -}}
{{- define "notes.oidcSecret" -}}
{{- if and .Values.oidc.issuer .Values.oidc.existingSecret -}}
{{ .Values.oidc.existingSecret }}
{{- else if .Values.oidc.issuer -}}
{{ $_ := required "oidc.issuer takes oidc.clientSecret or oidc.existingSecret" .Values.oidc.clientSecret -}}
{{ include "notes.name" . }}-oidc
{{- end -}}
{{- end -}}

{{- /* The configuration file that the app gets. */ -}}
{{- define "notes.override" -}}
{{ tpl (.Files.Get "config/override.toml") . }}
{{- end -}}

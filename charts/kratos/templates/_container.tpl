{{- define "kratos.container" -}}
image: {{ .Values.image }}
env:
  - name: DSN
    value: {{ include "kratos.dsn" . | quote }}
  - name: SQA_OPT_OUT
    value: "true"
  {{- range $key := list "default" "cookie" "cipher" }}
  - name: SECRETS_{{ upper $key }}
    valueFrom:
      secretKeyRef:
        name: {{ $.Values.secret }}
        key: {{ $key }}
  {{- end }}
resources:
  requests:
    cpu: 50m
    memory: 64Mi
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: config
    mountPath: /etc/kratos
    readOnly: true
  - name: data
    mountPath: /var/lib/kratos
  - name: tmp
    mountPath: /tmp
{{- end -}}

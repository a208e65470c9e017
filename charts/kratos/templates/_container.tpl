{{- define "kratos.container" -}}
image: {{ .Values.image }}
env:
  # Kubernetes puts the password in; a generated one needs no escaping.
  - name: DATABASE_PASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ .Values.database.secret }}
        key: {{ .Values.database.name }}
  - name: DSN
    {{- with .Values.database }}
    value: postgres://{{ .name }}:$(DATABASE_PASSWORD)@{{ .host }}:5432/{{ .name }}?sslmode=disable&connect_timeout=5
    {{- end }}
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
  - name: tmp
    mountPath: /tmp
{{- end -}}

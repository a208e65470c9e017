{{- define "hydra.container" -}}
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
  # Beside the public authorities that the image has (Go, crypto/x509).
  - name: SSL_CERT_DIR
    value: /etc/stackspin-ca
  {{- range $key := list "system" "cookie" }}
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
    mountPath: /etc/hydra
    readOnly: true
  - name: authority
    mountPath: /etc/stackspin-ca
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- end -}}

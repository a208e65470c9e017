{{- /* What the server and the node agent have in common. */ -}}
{{- define "velero.env" -}}
- name: VELERO_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: VELERO_SCRATCH_DIR
  value: /scratch
# Where the repositories' configuration and caches are kept.
- name: HOME
  value: /scratch
- name: AWS_SHARED_CREDENTIALS_FILE
  value: /credentials/cloud
{{- end -}}

{{- define "velero.volumeMounts" -}}
- name: scratch
  mountPath: /scratch
- name: scratch
  mountPath: /tmp
  subPath: tmp
- name: credentials
  mountPath: /credentials
  readOnly: true
{{- end -}}

{{- define "velero.volumes" -}}
- name: scratch
  emptyDir: {}
- name: credentials
  secret:
    secretName: {{ .Values.credentialsSecret }}
{{- end -}}

{{- define "velero.readinessProbe" -}}
httpGet:
  path: /metrics
  port: metrics
periodSeconds: 1
timeoutSeconds: 5
{{- end -}}

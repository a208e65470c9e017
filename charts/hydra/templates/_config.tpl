{{- define "hydra.config" -}}
{{- $dashboard := printf "https://%s" .Values.dashboardHostname -}}
{{- $issuer := printf "https://%s/" .Values.hostname -}}
serve:
  cookies:
    same_site_mode: Lax
  public:
    request_log:
      disable_for_health: true
  admin:
    request_log:
      disable_for_health: true
log:
  format: json
  level: info
urls:
  self:
    issuer: {{ $issuer }}
    public: {{ $issuer }}
    admin: http://hydra-admin.{{ .Release.Namespace }}.svc.cluster.local/
  login: {{ $dashboard }}/web/login
  consent: {{ $dashboard }}/web/consent
  logout: {{ $dashboard }}/web/logout
  error: {{ $dashboard }}/web/error
  post_logout_redirect: {{ $dashboard }}/web/logged-out
webfinger:
  oidc_discovery:
    supported_claims: [email, name, preferred_username, stackspin_roles]
    supported_scope: [profile, email, stackspin_roles]
strategies:
  # A scope that a client may ask for is one that is written in its OAuth2Client.
  scope: exact
  access_token: opaque
oauth2:
  pkce:
    enforced_for_public_clients: true
ttl:
  login_consent_request: 15m
  auth_code: 1m
  access_token: 1h
  id_token: 1h
  refresh_token: 720h
{{- end -}}

{{- define "hydra.file" -}}
{{- mergeOverwrite (include "hydra.config" . | fromYaml) .Values.config | toYaml -}}
{{- end -}}

{{- define "kratos.config" -}}
{{- $dashboard := printf "https://%s" .Values.dashboardHostname -}}
version: {{ .Chart.AppVersion }}
serve:
  public:
    base_url: {{ $dashboard }}/
    request_log:
      disable_for_health: true
  admin:
    base_url: http://kratos-admin.{{ .Release.Namespace }}.svc.cluster.local/
    request_log:
      disable_for_health: true
log:
  format: json
  level: info
identity:
  default_schema_id: default
  schemas:
    - id: default
      url: file:///etc/kratos/identity.schema.json
selfservice:
  default_browser_return_url: {{ $dashboard }}/
  allowed_return_urls: [{{ $dashboard }}/]
  methods:
    password:
      enabled: true
      config:
        # Nothing in the cluster needs the internet.
        haveibeenpwned_enabled: false
        min_password_length: 12
    totp:
      enabled: true
      config:
        issuer: {{ .Values.totpIssuer }}
    lookup_secret:
      enabled: true
    code:
      enabled: true
      config:
        lifespan: 15m
    link:
      enabled: false
  flows:
    login:
      ui_url: {{ $dashboard }}/web/login
      lifespan: 10m
    recovery:
      enabled: true
      use: code
      ui_url: {{ $dashboard }}/web/recovery
      lifespan: 15m
      # An answer to each address would fill the mailboxes of strangers.
      notify_unknown_recipients: false
    settings:
      ui_url: {{ $dashboard }}/web/settings
      lifespan: 15m
      privileged_session_max_age: 15m
      # A recovered password alone does not open the settings of somebody with a second factor.
      required_aal: highest_available
    error:
      ui_url: {{ $dashboard }}/web/error
    logout:
      after:
        default_browser_return_url: {{ $dashboard }}/web/login
    # Administrators make users.
    registration:
      enabled: false
    verification:
      enabled: false
session:
  lifespan: 24h
  whoami:
    # With a second factor enrolled, a password alone is no session.
    required_aal: highest_available
security:
  account_enumeration:
    mitigate: true
hashers:
  # OWASP's smallest recommended parameters: 40 ms on one core, where bcrypt's smallest cost that
  # Kratos accepts (12) takes 300.
  algorithm: argon2
  argon2:
    memory: 19MB
    iterations: 2
    parallelism: 1
    # How long an unknown user's login is delayed, to be like a wrong password.
    expected_duration: 50ms
    expected_deviation: 25ms
ciphers:
  algorithm: xchacha20-poly1305
courier:
  # A try each second, for as long as a code is valid. By default there are 6: a mail that was asked
  # for while its server restarted would never arrive.
  message_retries: 900
  smtp:
    connection_uri: {{ .Values.mail.uri }}
    from_address: {{ .Values.mail.fromAddress }}
    from_name: {{ .Values.mail.fromName }}
{{- end -}}

{{- define "kratos.file" -}}
{{- mergeOverwrite (include "kratos.config" . | fromYaml) .Values.config | toYaml -}}
{{- end -}}

"""What Stackspin brings, as far as it is known: names that a package may refer to.

A cluster may have more (another list of apps, a fork): these are the names in Stackspin's own
documentation and in public packages for it, and those of this suite's reference platform.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from itertools import zip_longest

DOMAIN = "stackspin.example"
"""Stands for ``${domain}``."""

KUSTOMIZATIONS = frozenset(
    {
        "cert-manager", "dashboard", "flux", "flux-system", "infrastructure", "kube-system-config",
        "letsencrypt-issuer", "local-path-provisioner", "mail", "metallb", "monitoring",
        "namespaces", "nextcloud", "nginx", "object-store", "operator", "ory", "secrets-controller",
        "single-sign-on", "sources", "stackspin", "velero", "wordpress", "zulip", "hedgedoc",
    }
)  # fmt: skip
CERT_MANAGER: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cert-manager.io": {"v1": ("Certificate", "CertificateRequest", "ClusterIssuer", "Issuer")},
    "acme.cert-manager.io": {"v1": ("Challenge", "Order")},
}
"""Group -> version -> kinds, which Stackspin has and the linter has no schemas of.

https://cert-manager.io/docs/reference/api-docs/
"""
NAMESPACES = frozenset({"flux-system", "stackspin", "stackspin-apps", "velero", "cert-manager"})
AUTHORITY = "stackspin-ca"
"""ConfigMap in the apps' namespace: the authorities that the platform's certificates are of."""
SOURCES = frozenset({"stackspin", "flux-system"})
"""GitRepositories in ``flux-system``."""

_CLUSTER = (
    "domain", "admin_email", "org_name", "ip_address", "kubelet_root",
    "outgoing_mail_domain", "outgoing_mail_enabled", "outgoing_mail_from_address",
    "outgoing_mail_smtp_host", "outgoing_mail_smtp_password", "outgoing_mail_smtp_port",
    "outgoing_mail_smtp_ssl", "outgoing_mail_smtp_starttls", "outgoing_mail_smtp_tls",
    "outgoing_mail_smtp_user",
    "backup_s3_aws_access_key_id", "backup_s3_aws_secret_access_key", "backup_s3_bucket",
    "backup_s3_prefix", "backup_s3_region", "backup_s3_url",
)  # fmt: skip
FREE_TEXT = frozenset({"org_name"})
"""Variables whose value is whatever people write."""
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "Secret stackspin-cluster-variables": _CLUSTER,
    "ConfigMap stackspin-single-sign-on-kustomization-variables": (
        "hydra_domain", "kratos_domain", "single_sign_on_domain", "sso_domain", "userpanel_domain",
        "userbackend_domain", "dashboard_domain",
    ),
    "Secret stackspin-single-sign-on-variables": (
        "dashboard_secret_key", "hydra_cookie", "hydra_database_password", "hydra_system",
        "kratos_cipher", "kratos_cookie", "kratos_database_password", "kratos_default",
        "mariadb_password", "mariadb_root_password", "postgresql_password",
        "userbackend_admin_password", "userpanel_secret_key",
    ),
    "ConfigMap stackspin-dashboard-kustomization-variables": ("dashboard_domain",),
    "ConfigMap stackspin-nextcloud-kustomization-variables": (
        "nextcloud_domain", "onlyoffice_domain",
    ),
    "ConfigMap stackspin-wordpress-kustomization-variables": ("wordpress_domain",),
    "ConfigMap stackspin-zulip-kustomization-variables": ("zulip_domain",),
    "ConfigMap stackspin-hedgedoc-kustomization-variables": ("hedgedoc_domain",),
    "ConfigMap stackspin-monitoring-kustomization-variables": ("grafana_domain",),
}  # fmt: skip
"""Source of variables -> the names that are known."""
_OPEN = ("backup_", "hydra_", "kratos_", "mariadb_", "outgoing_mail_", "postgresql_",
         "userbackend_", "userpanel_")  # fmt: skip
"""How variables begin of which another version of Stackspin may have more."""
_NEAR = 0.75
"""Two words that are at least so alike (1: the same) are one word and a slip."""


def provides_source(name: str) -> bool:
    """Return whether the platform has this source, as in ``Secret stackspin-cluster-variables``."""
    return name in _VARIABLES


def provides_variable(source: str, variable: str) -> bool:
    """Return whether a source of the platform defines a variable, as far as that is known.

    One that differs from a known one by a slip (``smpt`` for ``smtp``) is none.
    """
    known = _VARIABLES.get(source, ())
    if variable in known:
        return True
    prefix = next((one for one in _OPEN if variable.startswith(one)), "")
    if not prefix or not any(one.startswith(prefix) for one in known):
        return False
    return not any(_slip(variable, one) for one in known)


def _slip(variable: str, known: str) -> bool:
    pairs = list(zip_longest(variable.split("_"), known.split("_"), fillvalue=""))
    other = [pair for pair in pairs if pair[0] != pair[1]]
    if len(other) != 1:
        return variable.replace("_", "") == known.replace("_", "")
    return difflib.SequenceMatcher(None, *other[0]).ratio() >= _NEAR


def variables(sources: Iterable[str]) -> list[str]:
    """Return the names that sources of the platform are known to define."""
    return [variable for one in sources for variable in _VARIABLES.get(one, ())]


def sources() -> list[str]:
    """Return the names of the platform's sources of variables."""
    return list(_VARIABLES)


_TYPED: tuple[tuple[str, str], ...] = (
    (r"domain", DOMAIN),
    (r"ip_address|.*_ip", "192.0.2.1"),
    (r".*_port", "587"),
    (r".*_(enabled|ssl|tls|starttls)", "true"),
    (r".*(email|mail|from_address)", f"admin@{DOMAIN}"),
    (r"org_name", "Example Organisation"),
)


def placeholder(variable: str, default: str | None = None) -> str:
    """Return a value of the right type for a variable whose value is known in a cluster only.

    ``default`` is what is used where nothing defines it; the platform defines its own.
    """
    if default is not None and not any(variable in known for known in _VARIABLES.values()):
        return default
    for pattern, value in _TYPED:
        if re.fullmatch(pattern, variable):
            return value
    words = variable.replace("_", "-").lower().strip("-") or "x"
    if variable.endswith("_domain"):
        return f"{words.removesuffix('-domain')}.{DOMAIN}"
    return f"example-{words}"

"""The values of a chart that a package sets: told by their names, which many charts share."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlunsplit

from conformance.common.backup_labels import BACKUP_SET, BACKUP_VOLUMES
from conformance.linter.access import Key, Path, get, mapping, sequence, text, walk
from conformance.linter.app import Installation
from conformance.linter.facts.ingresses import ACME
from conformance.linter.facts.logins import plain, url_of
from conformance.linter.facts.storage import is_existing_claim
from conformance.linter.flux import platform

_HOST_KEYS = frozenset({"host", "hostname", "domain", "fqdn"})
_SECRET_KEY = re.compile(
    r".*(password|passphrase|apitoken|apikey|(secret|session|signing|encryption|cookie)key|salt)"
)
_OF_OTHERS = re.compile(r"smtp|mail|ldap|s3|registry|proxy|external|oidc|oauth|tls", re.IGNORECASE)
"""Parts of values whose passwords are those of something else: none is made up for it."""
_ISSUER = frozenset({"issuer", "issuerurl", "issueruri", "providerurl", "provideruri"})
_DISCOVERY = frozenset({"discovery", "discoveryurl", "discoveryuri", "discoveryendpoint"})
_REDIRECT = frozenset({"redirecturi", "redirecturl", "callbackurl", "callbackuri"})
_BACKCHANNEL_LOGOUT = frozenset({"backchannellogouturi", "backchannellogouturl"})
_ROLELESS = frozenset({"persistence", "persistent", "primary", "master", "storage", "volume"})
"""Words on the way to a claim's name that do not say what the claim is for."""
_LOCAL = re.compile(r"/[A-Za-z0-9._~%/?=&+-]{1,200}")
"""A path, perhaps with a query."""
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?([KMGTP]i?)?")

Changes = dict[Path, Any]
"""Path of a value -> what it is set to, with ``${variables}`` that Flux fills in."""


@dataclass(frozen=True)
class ClaimDraft:
    """A PersistentVolumeClaim of the package."""

    name: str
    size: str


def domain_variable(name: str) -> str:
    """Return the name of the variable with the app's host."""
    return f"{variable_name(name)}_domain"


def variable_name(*words: str) -> str:
    """Return a name for a variable that is made of these words."""
    spaced = (re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word) for word in words)
    name = re.sub(r"[^a-z0-9]+", "_", "_".join(spaced).lower()).strip("_")
    return name if name[:1].isalpha() else f"v_{name}"


def nested(defaults: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Return the changes as values. A list is replaced as a whole, so all of it is repeated."""
    result: dict[str, Any] = {}
    for path, value in changes.items():
        node: Any = result
        source: Any = defaults
        for key in path[:-1]:
            source = get(source, key)
            if isinstance(node, dict) and key not in node:
                node[key] = _literal(source) if isinstance(source, list) else {}
            node = node[key]
        node[path[-1]] = value
    return result


def _literal(value: Any) -> Any:
    """Return a copy of a value in which Flux finds no variables."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return copy.deepcopy(value)


def host_values(defaults: Mapping[str, Any], name: str, bare: Installation | None) -> Changes:
    """Return the values that give the app its host, its certificate and its Ingress."""
    domain = f"${{{domain_variable(name)}}}"
    ingresses = [] if bare is None else list(bare.objects("Ingress"))
    hosts = {
        text(get(rule, "host"))
        for one in ingresses
        for rule in sequence(one.get("spec", "rules"))
        if get(rule, "host")
    }
    if bare is None:  # it wants more values than it has
        hosts = {text(value) for path, value in walk(defaults) if path and _is_host(path)} - {""}
    changes: Changes = {}
    for path, value in walk(defaults):
        if isinstance(value, str):
            found = value
            for host in hosts:
                pattern = rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)"
                found = re.sub(pattern, lambda _: domain, found)
            empty = not value and path and _is_host(path)
            if found != value or (empty and not hosts):
                changes[path] = domain if empty else found
    part = mapping(defaults.get("ingress"))
    if part.get("enabled") is False and not ingresses:
        changes[("ingress", "enabled")] = True
        for path, value in walk(part, ("ingress",)):
            if isinstance(value, str) and (_is_host(path) or path[-2:-1] == ("hosts",)):
                changes[path] = domain
    if changes and not any(one.get("spec", "tls") for one in ingresses):
        changes |= _certificate(part, name, domain)
    return changes


def _certificate(part: Mapping[str, Any], name: str, domain: str) -> Changes:
    """Return what gives the Ingress of most charts a certificate and the platform's class."""
    changes: Changes = {}
    if part.get("tls") == []:
        changes[("ingress", "tls")] = [{"secretName": f"{name}-tls", "hosts": [domain]}]
    if part.get("annotations") == {}:
        changes[("ingress", "annotations")] = {ACME: "true"}
    for key in ("className", "ingressClassName"):
        if part.get(key) == "":
            changes[("ingress", key)] = "nginx"
    return changes


def _is_host(path: Path) -> bool:
    inside = len(path) == 1 or any("ingress" in plain(key) for key in path if isinstance(key, str))
    return inside and isinstance(path[-1], str) and plain(path[-1]) in _HOST_KEYS


def claims_of(defaults: Mapping[str, Any], name: str) -> dict[Path, ClaimDraft]:
    """Return the values that take the name of a claim, and the claim for each."""
    found: dict[Path, ClaimDraft] = {}
    for path, value in walk(defaults):
        last = path[-1] if path else ""
        if value in ("", None) and isinstance(last, str) and is_existing_claim(last):
            words = [str(key) for key in path[:-1] if plain(str(key)) not in _ROLELESS]
            role = "-".join(variable_name(word).replace("_", "-") for word in words) or "data"
            size = str(get(defaults, *path[:-1], "size") or "")
            found[path] = ClaimDraft(f"{name}-{role}", size if _SIZE.fullmatch(size) else "1Gi")
    return found


def claim_values(defaults: Mapping[str, Any], claims: Mapping[Path, ClaimDraft]) -> Changes:
    """Return the values that make the chart use these claims."""
    changes: Changes = {path: one.name for path, one in claims.items()}
    for path in claims:
        if get(defaults, *path[:-1], "enabled") is False:
            changes[(*path[:-1], "enabled")] = True
    return changes


def callback_of(defaults: Mapping[str, Any]) -> str:
    """Return the path that a chart says people are taken back to; empty if it does not."""
    return _local_in(defaults, _REDIRECT)


def backchannel_logout_of(defaults: Mapping[str, Any]) -> str:
    """Return the path where a chart says that it is told of logouts; empty if it does not."""
    return _local_in(defaults, _BACKCHANNEL_LOGOUT)


def _local_in(defaults: Mapping[str, Any], keys: Collection[str]) -> str:
    """Return path and query of the first address that is a value of one of the keys."""
    for path, value in walk(defaults):
        if path and isinstance(value, str) and plain(str(path[-1])) in keys:
            parts = url_of(value)
            local = "" if parts is None else urlunsplit(("", "", *parts[2:4], ""))
            if _LOCAL.fullmatch(local):
                return local
    return ""


def login_values(defaults: Mapping[str, Any], redirect: str) -> Changes:
    """Return the values that make the app use the platform's login."""
    for path, value in walk(defaults):
        if not isinstance(value, Mapping):
            continue
        keys = {plain(str(key)): key for key in value}
        issuer = [keys[one] for one in keys if one in _ISSUER]
        discovery = [keys[one] for one in keys if one in _DISCOVERY]
        client = "clientid" in keys and "clientsecret" in keys
        if not (issuer or discovery) or not (client or "existingsecret" in keys):
            continue
        found: dict[Key, Any] = {}
        found |= dict.fromkeys(issuer, "https://${hydra_domain}/")
        found |= dict.fromkeys(
            discovery, "https://${hydra_domain}/.well-known/openid-configuration"
        )
        if client:
            found[keys["clientid"]] = "${client_id}"
            found[keys["clientsecret"]] = "${client_secret}"
        for one, key in keys.items():
            if one in _REDIRECT:
                found[key] = redirect
            if "configmap" in one and "ca" in one and not value[key]:
                found[key] = platform.AUTHORITY
        if get(value, "enabled") is False:
            found["enabled"] = True
        return {(*path, key): item for key, item in found.items()}
    return {}


def generated_values(defaults: Mapping[str, Any], login: Changes) -> Changes:
    """Return the values for passwords and keys that are empty: they are made once, and stay."""
    changes: Changes = {}
    for path, value in walk(defaults):
        words = [key for key in path if isinstance(key, str)]
        if value != "" or path in login or len(words) != len(path) or not words:
            continue
        around = (get(defaults, *path[:length]) for length in range(len(path)))
        if any(text(part[key]) for part in around for key in part if _in_a_secret(key)):
            continue  # what is in a Secret that is there already wins
        if words[-1] == "value" and len(words) > 1:
            words = words[:-1]
        if _SECRET_KEY.fullmatch(plain(words[-1])) and not _OF_OTHERS.search(".".join(words)):
            changes[path] = f"${{{variable_name(*words)}}}"
    return changes


def _in_a_secret(key: object) -> bool:
    return plain(str(key)) == "existingsecret"


def backup_values(
    defaults: Mapping[str, Any], name: str, installed: Installation | None
) -> Changes:
    """Return the labels and annotations that put the volumes of the only pod into a backup."""
    pods = [one for one in installed.pods if one.claims and one.lasting] if installed else []
    if len(pods) != 1:
        return {}
    [pod] = pods
    changes: Changes = {}
    if BACKUP_SET not in pod.labels and defaults.get("podLabels") == {}:
        changes[("podLabels",)] = {BACKUP_SET: name}
    if BACKUP_VOLUMES not in pod.annotations and defaults.get("podAnnotations") == {}:
        changes[("podAnnotations",)] = {BACKUP_VOLUMES: ",".join(pod.claims)}
    return changes

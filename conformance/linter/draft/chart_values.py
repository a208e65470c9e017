"""Which values of a chart a Flux package in Stackspin's shape sets, and to what.

Charts differ, but most have values for the same things under similar names: the host, the name of
a claim that is there already, the login, passwords. What is found is rendered; where the chart
refuses something, the package leaves it to a person.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.common.backup_labels import BACKUP_SET, BACKUP_VOLUMES
from conformance.linter.access import Key, Path, get, mapping, sequence, text, walk
from conformance.linter.app import Chart, Installation
from conformance.linter.facts.ingresses import ACME
from conformance.linter.facts.logins import plain, url_of
from conformance.linter.facts.needs import needs_of
from conformance.linter.facts.storage import is_existing_claim
from conformance.linter.flux import platform
from conformance.linter.flux.values import merged
from conformance.linter.flux.variables import generated_value, substitute

_HOST_KEYS = frozenset({"host", "hostname", "domain", "fqdn"})
_SECRET_KEY = re.compile(
    r".*(password|passphrase|apitoken|apikey|(secret|session|signing|encryption|cookie)key|salt)"
)
_OF_OTHERS = re.compile(r"smtp|mail|ldap|s3|registry|proxy|external|oidc|oauth|tls", re.IGNORECASE)
"""Parts of values whose passwords are those of something else: none is made up for it."""
_USER_KEY = re.compile(r".*(user|username|login)")
_ISSUER = frozenset({"issuer", "issuerurl", "issueruri", "providerurl", "provideruri"})
_DISCOVERY = frozenset({"discovery", "discoveryurl", "discoveryuri", "discoveryendpoint"})
_REDIRECT = frozenset({"redirecturi", "redirecturl", "callbackurl", "callbackuri"})
_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]{1,200}")
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?([KMGTP]i?)?")
_CALLBACK = "/oidc/callback"
"""Where many apps take people back after a login; nothing in a chart says where this one does."""

Changes = dict[Path, Any]
Rendering = Callable[[Mapping[str, Any]], Installation | None]
"""Renders the chart with values; None where it refuses them."""


@dataclass(frozen=True)
class ClaimDraft:
    """A PersistentVolumeClaim of the package."""

    name: str
    size: str


@dataclass(frozen=True)
class SecretDraft:
    """A Secret that the chart's pods need and nothing makes: each key, and its value."""

    name: str
    entries: Mapping[str, str]


@dataclass(frozen=True)
class Chosen:
    """What a Flux package says to a chart."""

    values: Mapping[str, Any]
    """With ``${variables}`` that Flux fills in."""
    host_set: bool
    """Whether a value was found that gives the app its host."""
    claims: tuple[ClaimDraft, ...] = ()
    login: bool = False
    """Whether the chart takes the platform's login."""
    callback: str = _CALLBACK
    """The path that the provider sends people back to."""
    callback_known: bool = False
    """Whether a value of the chart says so; else it is a guess."""
    fields: tuple[str, ...] = ()
    """Variables for generated secrets."""
    secrets: tuple[SecretDraft, ...] = ()
    keyless: tuple[str, ...] = ()
    """Secrets that pods need and whose keys nobody knows."""
    installed: Installation | None = field(default=None, repr=False)
    """What the chart renders to with these values; None: it does not render."""


def domain_variable(name: str) -> str:
    """Return the name of the variable with the app's host."""
    return f"{variable_name(name)}_domain"


def variable_name(*words: str) -> str:
    """Return a name for a variable that is made of these words."""
    spaced = (re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word) for word in words)
    name = re.sub(r"[^a-z0-9]+", "_", "_".join(spaced).lower()).strip("_")
    return name if name[:1].isalpha() else f"v_{name}"


@dataclass(frozen=True)
class Given:
    """What somebody has said of a chart's installation already."""

    host: str = ""
    """With ``${domain}``; empty: ``NAME.${domain}``."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """They win; ``${domain}`` and ``${host}`` may stand in them."""
    secrets: Collection[str] = ()
    """Names of Secrets that somebody makes by hand."""


def choose(chart: Chart, name: str, render: Rendering, given: Given) -> Chosen:
    """Return what a Flux package of the app ``name`` says to its chart."""
    defaults = mapping(chart.values.value) if chart.values is not None else {}
    bare = render({})
    fixed = _with_host(given.values, name)

    def accepts(values: Mapping[str, Any]) -> Installation | None:
        return render(_example(merged(values, fixed), name))

    host, claims = _host(defaults, name, bare), _claims(defaults, name)
    callback = _callback(defaults)
    login = _login(defaults, f"https://${{{domain_variable(name)}}}{callback or _CALLBACK}")
    generated = _generated_values(defaults, login)
    groups = [host, _claim_values(defaults, claims), login, generated]
    kept, installed = _accepted(defaults, groups, accepts)
    backup = _backup(defaults, name, installed)
    if backup:
        kept, installed = _accepted(defaults, [kept, backup], accepts)
    kept_claims = tuple(one for path, one in claims.items() if path in kept)
    secrets, keyless = _missing_secrets(installed, given.secrets)
    fields = [_variable_in(kept[path]) for path in generated if path in kept]
    fields += [_variable_in(v) for one in secrets for v in one.entries.values()]
    own = [one for one in fields if one and one not in ("client_id", "client_secret")]
    has_login = bool(login) and all(path in kept for path in login)
    return Chosen(
        values=merged(_nested(defaults, kept), fixed),
        host_set=bool(given.values) or (bool(host) and all(path in kept for path in host)),
        claims=kept_claims,
        login=has_login,
        callback=callback or _CALLBACK,
        callback_known=bool(callback),
        fields=tuple(dict.fromkeys(own)),
        secrets=secrets,
        keyless=keyless,
        installed=installed,
    )


def _accepted(
    defaults: Mapping[str, Any], groups: Sequence[Changes], render: Rendering
) -> tuple[Changes, Installation | None]:
    """Return the changes with which the chart renders: the last groups are given up first."""
    for length in range(len(groups), -1, -1):
        changes = {path: value for group in groups[:length] for path, value in group.items()}
        installed = render(_nested(defaults, changes))
        if installed is not None:
            return changes, installed
    return {path: value for group in groups for path, value in group.items()}, None


def _example(values: Any, name: str) -> Any:
    """Return values with examples in the place of variables."""

    def value_of(variable: str) -> str:
        if variable == domain_variable(name):
            return f"{name}.{platform.DOMAIN}"
        if variable.endswith("domain") or variable == "client_id":
            return platform.placeholder(variable)
        return generated_value(name, variable)

    if isinstance(values, str):
        return substitute(values, value_of)
    if isinstance(values, Mapping):
        return {key: _example(value, name) for key, value in values.items()}
    if isinstance(values, list):
        return [_example(value, name) for value in values]
    return values


def _nested(defaults: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
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


def _host(defaults: Mapping[str, Any], name: str, bare: Installation | None) -> Changes:
    """Return the values that give the app its host, its certificate and its Ingress."""
    domain = f"${{{domain_variable(name)}}}"
    ingresses = [] if bare is None else list(bare.objects("Ingress"))
    hosts = {
        text(get(rule, "host"))
        for one in ingresses
        for rule in sequence(one.get("spec", "rules"))
        if get(rule, "host")
    }
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
    if part.get("className") == "":
        changes[("ingress", "className")] = "nginx"
    return changes


def _is_host(path: Path) -> bool:
    inside = len(path) == 1 or any("ingress" in plain(key) for key in path if isinstance(key, str))
    return inside and isinstance(path[-1], str) and plain(path[-1]) in _HOST_KEYS


def _claims(defaults: Mapping[str, Any], name: str) -> dict[Path, ClaimDraft]:
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


_ROLELESS = frozenset({"persistence", "persistent", "primary", "master", "storage", "volume"})
"""Words on the way to a claim's name that do not say what the claim is for."""


def _claim_values(defaults: Mapping[str, Any], claims: Mapping[Path, ClaimDraft]) -> Changes:
    changes: Changes = {path: one.name for path, one in claims.items()}
    for path in claims:
        if get(defaults, *path[:-1], "enabled") is False:
            changes[(*path[:-1], "enabled")] = True
    return changes


def _callback(defaults: Mapping[str, Any]) -> str:
    """Return the path that a chart says people are taken back to; empty if it does not."""
    for path, value in walk(defaults):
        if path and isinstance(value, str) and plain(str(path[-1])) in _REDIRECT:
            parts = url_of(value)
            if parts is not None and _PATH.fullmatch(parts.path):
                return parts.path
    return ""


def _login(defaults: Mapping[str, Any], redirect: str) -> Changes:
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


def _generated_values(defaults: Mapping[str, Any], login: Changes) -> Changes:
    """Return the values for passwords and keys that are empty: they are made once, and stay."""
    changes: Changes = {}
    for path, value in walk(defaults):
        words = [key for key in path if isinstance(key, str)]
        if value != "" or path in login or len(words) != len(path) or not words:
            continue
        if words[-1] == "value" and len(words) > 1:
            words = words[:-1]
        if _SECRET_KEY.fullmatch(plain(words[-1])) and not _OF_OTHERS.search(".".join(words)):
            changes[path] = f"${{{variable_name(*words)}}}"
    return changes


def _backup(defaults: Mapping[str, Any], name: str, installed: Installation | None) -> Changes:
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


def _with_host(values: Any, name: str) -> Any:
    """Return values in which ``${host}`` is the variable that Flux knows."""
    if isinstance(values, str):
        return re.sub(r"(?<!\$)\$\{host\}", lambda _: f"${{{domain_variable(name)}}}", values)
    if isinstance(values, Mapping):
        return {key: _with_host(value, name) for key, value in values.items()}
    if isinstance(values, list):
        return [_with_host(value, name) for value in values]
    return values


def _missing_secrets(
    installed: Installation | None, by_hand: Collection[str]
) -> tuple[tuple[SecretDraft, ...], tuple[str, ...]]:
    """Return the Secrets that pods need and the chart does not make, and those without keys."""
    if installed is None:
        return (), ()
    made = {*by_hand, *(one.name for one in installed.objects("Secret"))}
    wanted: dict[str, dict[str, str]] = {}
    for pod in installed.pods:
        for need in needs_of(pod):
            missing = need.kind == "Secret" and need.name not in made
            if missing and _OBJECT_NAME.fullmatch(need.name):
                entries = wanted.setdefault(need.name, {})
                entries |= {key: _entry(need.name, key) for key in need.keys if _KEY.fullmatch(key)}
    drafts = tuple(SecretDraft(name, keys) for name, keys in wanted.items() if keys)
    return drafts, tuple(name for name, keys in wanted.items() if not keys)


def _entry(secret: str, key: str) -> str:
    """Return the value of a key of a Secret that somebody would make by hand."""
    word = plain(key)
    if word.endswith("clientid"):
        return "${client_id}"
    if word.endswith("clientsecret"):
        return "${client_secret}"
    return "admin" if _USER_KEY.fullmatch(word) else f"${{{variable_name(secret, key)}}}"


def _variable_in(value: Any) -> str:
    """Return the name of the variable that a value is."""
    found = re.fullmatch(r"\$\{(\w+)\}", text(value))
    return found[1] if found else ""

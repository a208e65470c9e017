"""What a Flux package in Stackspin's shape says to a chart.

What is chosen is rendered; where the chart refuses something, the package leaves it to a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.linter.access import mapping, text
from conformance.linter.app import Chart, Installation
from conformance.linter.draft.chart_values import (
    Changes,
    ClaimDraft,
    backchannel_logout_of,
    backup_values,
    callback_of,
    claim_values,
    claims_of,
    domain_variable,
    generated_values,
    host_values,
    login_values,
    nested,
    variable_name,
)
from conformance.linter.facts.logins import plain
from conformance.linter.facts.needs import needs_of
from conformance.linter.flux import platform
from conformance.linter.flux.substitution import substitute
from conformance.linter.flux.values import merged
from conformance.linter.flux.variables import generated_value

_USER_KEY = re.compile(r".*(user|username|login)")
_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_CALLBACK = "/oidc/callback"
"""Where many apps take people back after a login; nothing in a chart says where this one does."""

Rendering = Callable[[Mapping[str, Any]], Installation | None]
"""Renders the chart with values; None where it refuses them."""


@dataclass(frozen=True)
class SecretDraft:
    """A Secret that the chart's pods need and nothing else makes: each key, and its value."""

    name: str
    entries: Mapping[str, str]


@dataclass(frozen=True)
class Given:
    """What somebody has said of a chart's installation already."""

    host: str = ""
    """With ``${domain}``; empty: ``NAME.${domain}``."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """They win; ``${domain}`` and ``${host}`` may stand in them."""
    secrets: Collection[str] = ()
    """Names of Secrets that somebody makes by hand."""
    made: tuple[SecretDraft, ...] = ()
    """Secrets whose keys are known: the package makes them."""
    redirect: str = ""
    """The path that the provider sends people back to."""
    backchannel_logout: str = ""
    """The path where the provider tells the app that somebody has logged out elsewhere."""


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
    """Whether somebody or a value of the chart says so; else it is a guess."""
    backchannel_logout: str = ""
    """The path where the provider tells the app of logouts; empty: nobody knows."""
    fields: tuple[str, ...] = ()
    """Variables for generated secrets."""
    secrets: tuple[SecretDraft, ...] = ()
    keyless: tuple[str, ...] = ()
    """Secrets that pods need and whose keys nobody knows."""
    installed: Installation | None = field(default=None, repr=False)
    """What the chart renders to with these values; None: it does not render."""


def choose(chart: Chart, name: str, render: Rendering, given: Given) -> Chosen:
    """Return what a Flux package of the app ``name`` says to its chart."""
    defaults = mapping(chart.values.value) if chart.values is not None else {}
    bare = render({})
    fixed = _with_host(given.values, name)

    def accepts(values: Mapping[str, Any]) -> Installation | None:
        return render(_example(merged(values, fixed), name))

    host, claims = host_values(defaults, name, bare), claims_of(defaults, name)
    callback = given.redirect or callback_of(defaults)
    login = login_values(defaults, f"https://${{{domain_variable(name)}}}{callback or _CALLBACK}")
    generated = generated_values(defaults, login)
    groups = [host, claim_values(defaults, claims), login, generated]
    kept, installed = _accepted(defaults, groups, accepts)
    backup = backup_values(defaults, name, installed)
    if backup:
        kept, installed = _accepted(defaults, [kept, backup], accepts)
    drafted = [one for path, one in claims.items() if path in kept]
    drafted += _missing_claims(installed, {one.name for one in drafted})
    has_login = bool(login) and all(path in kept for path in login)
    known = {*given.secrets, *(one.name for one in given.made)}
    missing, keyless = _missing_secrets(installed, known, login=has_login)
    secrets = (*given.made, *missing)
    fields = [_variable_in(kept[path]) for path in generated if path in kept]
    fields += [_variable_in(v) for one in secrets for v in one.entries.values()]
    own = [one for one in fields if one and one not in ("client_id", "client_secret")]
    return Chosen(
        values=merged(nested(defaults, kept), fixed),
        host_set=bool(given.values) or (bool(host) and all(path in kept for path in host)),
        claims=tuple(drafted),
        login=has_login,
        callback=callback or _CALLBACK,
        callback_known=bool(callback),
        backchannel_logout=given.backchannel_logout or backchannel_logout_of(defaults),
        fields=tuple(dict.fromkeys(own)),
        secrets=secrets,
        keyless=keyless,
        installed=installed,
    )


def _accepted(
    defaults: Mapping[str, Any], groups: Sequence[Changes], render: Rendering
) -> tuple[Changes, Installation | None]:
    """Return the changes with which the chart renders: all, all but one group, or the first ones.

    Where it renders with none of these, all of them are returned.
    """
    everything = [*range(len(groups))]
    selections = [everything]
    selections += [[one for one in everything if one != out] for out in reversed(everything)]
    selections += [everything[:length] for length in reversed(everything[:-1])]
    for selected in selections:
        changes = {path: value for index in selected for path, value in groups[index].items()}
        installed = render(nested(defaults, changes))
        if installed is not None:
            return changes, installed
    return {path: value for group in groups for path, value in group.items()}, None


def _example(values: Any, name: str) -> Any:
    """Return values with examples in the place of variables."""

    def value_of(variable: str, _: str | None) -> str:
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


def _with_host(values: Any, name: str) -> Any:
    """Return values in which ``${host}`` is the variable that Flux knows."""
    if isinstance(values, str):
        return re.sub(r"(?<!\$)\$\{host\}", lambda _: f"${{{domain_variable(name)}}}", values)
    if isinstance(values, Mapping):
        return {key: _with_host(value, name) for key, value in values.items()}
    if isinstance(values, list):
        return [_with_host(value, name) for value in values]
    return values


def _missing_claims(installed: Installation | None, drafted: set[str]) -> list[ClaimDraft]:
    """Return the claims that pods mount by names of their own, and that nothing makes."""
    if installed is None:
        return []
    made = {*drafted, *(one.name for one in installed.objects("PersistentVolumeClaim"))}
    named = dict.fromkeys(claim for pod in installed.pods for claim in pod.claims.values())
    return [
        ClaimDraft(claim, "1Gi")
        for claim in named
        if claim not in made and _OBJECT_NAME.fullmatch(claim)
    ]


def _missing_secrets(
    installed: Installation | None, by_hand: Collection[str], *, login: bool
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
                keys = [key for key in need.keys if _KEY.fullmatch(key)]
                entries |= {key: _entry(need.name, key, login=login) for key in keys}
    drafts = tuple(SecretDraft(name, keys) for name, keys in wanted.items() if keys)
    return drafts, tuple(name for name, keys in wanted.items() if not keys)


def _entry(secret: str, key: str, *, login: bool) -> str:
    """Return the value of a key of a Secret that somebody would make by hand."""
    word = plain(key)
    if login and any(one in word for one in ("client", "oidc", "oauth")):
        return "${client_id}" if word.endswith("id") else "${client_secret}"
    return "admin" if _USER_KEY.fullmatch(word) else f"${{{variable_name(secret, key)}}}"


def _variable_in(value: Any) -> str:
    """Return the name of the variable that a value is."""
    found = re.fullmatch(r"\$\{(\w+)\}", text(value))
    return found[1] if found else ""

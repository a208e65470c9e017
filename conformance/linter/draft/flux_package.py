"""A Flux package in Stackspin's shape for a chart that has none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from conformance.common.errors import HarnessError
from conformance.linter.app import AppPackage, Installation
from conformance.linter.draft.chart_values import domain_variable
from conformance.linter.draft.choices import Chosen, Given, choose
from conformance.linter.draft.templates import environment
from conformance.linter.files import FLUX_FOLDER
from conformance.linter.helm.installations import GIVEN, Installer
from conformance.linter.helm.rendering import Renderer
from conformance.linter.limits import Limits

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_DEFAULT = Limits()
_NOTHING_GIVEN = Given()


@dataclass(frozen=True)
class FluxDraft:
    """A Flux package, and what it was made of."""

    files: Mapping[str, str]
    """Path in the cluster's repository -> text."""
    chosen: Chosen

    def todo(self) -> Iterator[str]:
        """Yield what of the package a person has to look at, a sentence each."""
        if not self.chosen.host_set:
            yield "no value of the chart was found that gives the app its host: add it"
        if self.chosen.login and not self.chosen.callback_known:
            yield "the redirect URI in oauth2-client.yaml is a guess: write the app's own"
        if self.chosen.login and not self.chosen.backchannel_logout:
            yield "backChannelLogoutURI in oauth2-client.yaml: where the app is told of logouts"
        for name in self.chosen.keyless:
            yield f"pods need Secret {name}, and nothing says which keys it has: add it"
        if self.chosen.installed is None:
            yield "the chart could not be rendered, so nothing says whether it takes these values"


def is_chart_alone(app: AppPackage) -> bool:
    """Return whether an app is a chart, without Kustomization, HelmRelease or other objects."""
    return bool(app.charts) and not app.written


def chart_path(app: AppPackage) -> str:
    """Return where the app's chart lies in the cluster's repository, as a HelmRelease names it.

    A chart that is PATH itself goes to ``charts/NAME``, where Stackspin's own are.
    """
    folder = app.charts[0].folder
    return f"./charts/{app.name}" if folder == "." else f"./{folder}"


def flux_package_for(
    app: AppPackage, given: Given = _NOTHING_GIVEN, limits: Limits = _DEFAULT
) -> dict[str, str]:
    """Return a Flux package in Stackspin's shape: path in the cluster's repository -> text.

    ``given`` is what somebody has said of the installation. The chart itself belongs to
    ``chart_path``. Raises HarnessError if the app is no chart alone, or its name is none that
    Kubernetes takes.
    """
    return dict(draft_for(app, given, limits).files)


def draft_for(
    app: AppPackage, given: Given = _NOTHING_GIVEN, limits: Limits = _DEFAULT
) -> FluxDraft:
    """Return the same package with what it was made of. Raises HarnessError."""
    if not is_chart_alone(app):
        raise HarnessError(f"{app.name} is not a chart alone", "describe the package that it has")
    if not _NAME.fullmatch(app.name):
        raise HarnessError(
            "the chart's name is not one for Kubernetes",
            "name it in Chart.yaml with at most 40 small letters, digits and hyphens",
        )
    if not app.installations:
        raise HarnessError(f"{app.name} is a library, which creates no objects", "give an app")
    [chart] = app.charts
    with Renderer(limits) as renderer:

        def render(values: Mapping[str, Any]) -> Installation | None:
            installer = Installer(renderer, limits, values)
            found = [one for one in installer.of_chart(chart) if one.label == GIVEN]
            failed = any(one.label == GIVEN for one in installer.failures)
            return None if failed or not found else found[0]

        chosen = choose(chart, app.name, render, given)
    return FluxDraft(_files(app, chosen, given.host or f"{app.name}.${{domain}}"), chosen)


def _files(app: AppPackage, chosen: Chosen, host: str) -> dict[str, str]:
    name = app.name
    apps = f"{FLUX_FOLDER}/apps"
    wanted = {
        f"{apps}/{name}.yaml": ("add.yaml.j2", True),
        f"{apps}/add-{name}/{name}.yaml": ("app.yaml.j2", True),
        f"{apps}/add-{name}/{name}-secrets.yaml": ("app-secrets.yaml.j2", True),
        f"{apps}/{name}-secrets/{name}-kustomization-variables.yaml": ("domain.yaml.j2", True),
        f"{apps}/{name}-secrets/{name}-variables.yaml": ("variables.yaml.j2", chosen.fields),
        f"{apps}/{name}-secrets/{name}-oauth-variables.yaml": ("oauth.yaml.j2", chosen.login),
        f"{apps}/{name}/release.yaml": ("release.yaml.j2", True),
        f"{apps}/{name}/values-configmap.yaml": ("values.yaml.j2", True),
        f"{apps}/{name}/secrets.yaml": ("secrets.yaml.j2", chosen.secrets),
        f"{apps}/{name}/pvc.yaml": ("pvc.yaml.j2", chosen.claims),
        f"{apps}/{name}/oauth2-client.yaml": ("client.yaml.j2", chosen.login),
    }
    context = {
        "name": name,
        "chart": chart_path(app),
        "chosen": chosen,
        "domain": domain_variable(name),
        "host": host,
        "values": values_text(chosen.values),
    }
    return {
        path: environment().get_template(f"flux2/{template}").render(context)
        for path, (template, needed) in wanted.items()
        if needed
    }


class _Dumper(yaml.SafeDumper):
    """Puts texts with variables into quotes: what Flux fills in may look like a number."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent the items of lists, too."""
        del indentless
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", value, style='"' if "${" in value else None
    )


_Dumper.add_representer(str, _text)


def values_text(values: Mapping[str, Any]) -> str:
    """Return values as YAML."""
    shown: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return shown

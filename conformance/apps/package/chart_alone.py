"""A chart that nobody has packaged for Flux: installed by the package that is drafted for it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

import yaml

from conformance.apps.package import variables
from conformance.apps.package.given import GivenApp
from conformance.linter.access import get
from conformance.linter.draft.flux_package import chart_path, flux_package_for

_VALUES = "described-values.yaml"
"""File with the values of the description, beside those of the draft."""


def drafted(given: GivenApp) -> dict[str, bytes]:
    """Return a Flux package of a chart alone: path in the repository -> content.

    The chart is among the files. The values of its description win over those of the draft, and an
    override over both. Raises HarnessError if the app is no chart alone.
    """
    texts = flux_package_for(given.app)
    if given.description.values:
        texts = _with_values(texts, given)
    folder = posixpath.normpath(chart_path(given.app))
    chart = {f"{folder}/{path}": content for path, content in given.app.charts[0].files.items()}
    return {**chart, **{path: text.encode() for path, text in texts.items()}}


def _with_values(texts: Mapping[str, str], given: GivenApp) -> dict[str, str]:
    host = given.description.host or f"{given.name}.${{domain}}"
    known = {"domain": "${domain}", "host": host}  # Flux fills in the domain
    values = _filled(given.description.values, known)
    [path] = [path for path, text in texts.items() if "kind: HelmRelease" in text]
    release = yaml.safe_load(texts[path])
    name = f"stackspin-{given.name}-described"
    release["spec"].setdefault("valuesFrom", []).insert(1, {"kind": "ConfigMap", "name": name})
    made = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": get(release, "metadata", "namespace")},
        "data": {"values.yaml": yaml.safe_dump(values, sort_keys=False, allow_unicode=True)},
    }
    return {
        **texts,
        path: yaml.safe_dump(release, sort_keys=False, allow_unicode=True),
        f"{posixpath.dirname(path)}/{_VALUES}": yaml.safe_dump(made, sort_keys=False),
    }


def _filled(value: Any, known: Mapping[str, str]) -> Any:  # noqa: ANN401 - any YAML
    """Return a value whose texts have their variables filled in."""
    if isinstance(value, str):
        return variables.filled(value, lambda name: known.get(name, f"${{{name}}}"))
    if isinstance(value, Mapping):
        return {key: _filled(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, known) for item in value]
    return value

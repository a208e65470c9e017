"""A HelmRelease: its chart, and the chain of values that Flux gives it.

As helm-controller composes them: valuesFrom in order, then the inline values; later ones win.
https://fluxcd.io/flux/components/helm/helmreleases/#values
"""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from posixpath import normpath
from typing import Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.app import Chart, Release, ValuesSource
from conformance.linter.files import FLUX_FOLDER, inside
from conformance.linter.flux.kustomizations import FluxTree
from conformance.linter.flux.variables import definitions, generated_value, is_encrypted
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import parse

HELM_RELEASE = "HelmRelease"
_WITH_VALUES = ("ConfigMap", "Secret")
Named = Mapping[tuple[str, str, str], Manifest]
"""Objects by kind, namespace and name."""


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` overlaid by ``over``: mappings key by key, anything else as a whole."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def by_name(objects: Iterable[Manifest]) -> Named:
    """Return objects by kind, namespace and name: what a HelmRelease takes values from.

    Of two objects of one name the later one counts.
    """
    objects = [one for one in objects if one.kind in _WITH_VALUES or one.group]
    named = {(one.kind, one.namespace, one.name): one for one in objects}
    for one in objects:
        for name in definitions(one):  # what is made of an object: a StringSecret's Secret
            named.setdefault(("Secret", one.namespace, name.removeprefix("Secret ")), one)
    return named


def release_of(
    manifest: Manifest,
    named: Named,
    charts: Iterable[Chart],
    flux: FluxTree,
    given: Mapping[str, Any],
) -> Release:
    """Return a HelmRelease with the values and the chart that ``named`` and ``charts`` have.

    ``given`` are values from the command line; they win.
    """
    sources = []
    values: dict[str, Any] = {}
    for index, entry in enumerate(sequence(manifest.get("spec", "valuesFrom"))):
        source, part = _source(manifest, index, mapping(entry), named)
        sources.append(source)
        values = merged(values, part)
    inline = mapping(manifest.get("spec", "values"))
    if inline and manifest.document is not None:
        place = manifest.place("spec", "values")
        document = manifest.document.part(("spec", "values"))
        sources.append(ValuesSource("spec.values", place, False, manifest, document))
        values = merged(values, inline)
    chart, why, broken = _chart(manifest, list(charts), flux)
    return Release(manifest, chart, why, tuple(sources), merged(values, given), broken)


def _source(
    release: Manifest,
    index: int,
    entry: Mapping[str, Any],
    named: Named,
) -> tuple[ValuesSource, Mapping[str, Any]]:
    """Return one entry of ``valuesFrom``, and the values that it adds."""
    kind, name = text(entry.get("kind")), text(entry.get("name"))
    key = text(entry.get("valuesKey")) or "values.yaml"
    holder = named.get((kind, release.namespace, name))
    source = ValuesSource(
        name=f"{kind} {name}",
        place=release.place("spec", "valuesFrom", index),
        optional=entry.get("optional") is True,
        manifest=holder,
        document=None,
    )
    if holder is None:
        return source, {}
    if holder.kind not in ("ConfigMap", "Secret") or is_encrypted(holder):
        return _in_cluster(source, holder, entry, key)
    content, path = _content(holder, key)
    if content is None:
        missing = "" if source.optional else f"{source.name} has no key {key}"
        return replace(source, problem=missing), {}
    if entry.get("targetPath"):
        return source, _nested(text(entry.get("targetPath")), content)
    return _file(source, holder, key, content, path)


def _nested(target: str, value: Any) -> Mapping[str, Any]:
    """Return values that have one at a path with dots."""
    for part in reversed(target.split(".")):
        value = {part: value}
    return mapping(value)


def _file(
    source: ValuesSource, holder: Manifest, key: str, content: str, path: Path
) -> tuple[ValuesSource, Mapping[str, Any]]:
    """Return a source whose text is a file of values."""
    if holder.document is not None and holder.document.has(path):
        documents, problems = holder.document.inner(path)
    else:
        documents, problems = parse(content, holder.file)
    if problems and not documents:
        problem = f"{key} of {source.name} is not valid YAML: {problems[0].message}"
        return replace(source, problem=problem), {}
    if documents and not isinstance(documents[0].value, Mapping):
        return replace(source, problem=f"{key} of {source.name} is not a mapping of values"), {}
    document = documents[0] if documents else None
    repeated = problems[0].message.partition(": ")[0] if problems else ""
    found = replace(source, document=document, repeated=repeated)
    return found, mapping(document and document.value)


def _in_cluster(
    source: ValuesSource, holder: Manifest, entry: Mapping[str, Any], key: str
) -> tuple[ValuesSource, Mapping[str, Any]]:
    """Return a source that only a cluster has: one value of it can be guessed, a file cannot."""
    target = text(entry.get("targetPath"))
    if not target:
        return replace(source, hidden=True), {}
    known = definitions(holder).get(source.name, {})
    value = known[key].value if key in known else generated_value(source.name, key)
    return source, _nested(target, value)


def _content(holder: Manifest, key: str) -> tuple[str | None, Path]:
    """Return the text of a key of a ConfigMap or Secret, and where it is written."""
    path: Path = ("data" if holder.kind == "ConfigMap" else "stringData", key)
    content = holder.get(*path)
    if content is None and holder.kind == "Secret":
        content = _decoded(text(holder.get("data", key)))
    return (content if isinstance(content, str) else None), path


def _around(chart: Chart, release: Manifest) -> bool:
    """Return whether a release stands in the folder ``flux2`` of its own chart.

    In the cluster's repository the two lie beside each other: such a chart goes to ``charts/``.
    """
    return inside(release.file, normpath(f"{chart.folder}/{FLUX_FOLDER}"))


def _decoded(content: str) -> str | None:
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _chart(
    release: Manifest, charts: Sequence[Chart], flux: FluxTree
) -> tuple[Chart | None, str, bool]:
    """Return the release's chart, or why there is none and whether it should be there."""
    spec = mapping(release.get("spec", "chart", "spec"))
    ref = mapping(release.get("spec", "chartRef"))
    if ref:
        source = f"{text(ref.get('kind'))} {text(ref.get('name'))}"
        return None, f"the chart of {source} is not in the package", False
    name = text(spec.get("chart"))
    kind, source = text(get(spec, "sourceRef", "kind")), text(get(spec, "sourceRef", "name"))
    if kind not in ("GitRepository", "Bucket", "OCIRepository"):
        return None, f"chart {name} of {kind} {source} is not in the package", False
    folder = flux.roots.folder(name, release.file)
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    missing = f"chart {name} of {kind} {source} is not in the package"
    for chart in charts:
        own = chart.folder.split("/")
        if chart.folder == folder or (folder is None and parts and own[-len(parts) :] == parts):
            return chart, "", False
        if folder is None and _around(chart, release) and parts[-1:] == [chart.name]:
            return chart, "", False
    another = kind != "GitRepository" or flux.roots.repositories.is_another((kind, source))
    if another or not flux.roots.covers(name, release.file):
        return None, missing, False
    # A mistyped path is one finding: the rest is judged with the chart that was meant.
    by_folder = {chart.folder: chart for chart in charts}
    near = difflib.get_close_matches("/".join(parts), by_folder, n=1, cutoff=0.8)
    return (by_folder[near[0]], "", True) if near else (None, missing, True)

"""Charts to render."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.linter.app import Chart
from conformance.linter.helm.rendered import objects_of
from conformance.linter.helm.rendering import Renderer
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import parse

METADATA = "apiVersion: v2\nname: notes\nversion: 1.0.0\n"


def files(**texts: str) -> dict[str, bytes]:
    """Return a chart's files; ``templates__a`` stands for ``templates/a.yaml``."""
    named = {name.replace("__", "/") + ".yaml": text for name, text in texts.items()}
    return {name: text.encode() for name, text in {"Chart.yaml": METADATA, **named}.items()}


def render(renderer: Renderer, given: Mapping[str, bytes], **values: Any) -> dict[str, str]:
    return renderer.render(given, values=values, name="my", namespace="apps")


def chart_of(given: Mapping[str, bytes], folder: str = ".") -> Chart:
    metadata = parse(given["Chart.yaml"].decode(), "Chart.yaml")[0][0]
    return Chart(folder, given, metadata, None)


def manifests(text: str, template: str | None = None) -> tuple[list[Manifest], list[Any]]:
    given = files(templates__a=template if template is not None else text)
    return objects_of({"notes/templates/a.yaml": text}, chart_of(given, "charts/notes"))

"""What was found, as ``platform.yaml``: each value with a comment that says how it was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from conformance.platform.description import Implementation
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.readers import checks_that_need
from conformance.platform.keys import Key, keys


def written(findings: Findings, cluster: str) -> str:
    """Return the text of the file; ``cluster`` is what to call the cluster it was read from."""
    head = [
        f"# Found by stackspin-conformance platform discover on {cluster}.",
        "# Each comment says how a value was found. docs/platforms.md explains every key.",
        "implementation: # fill this in; a cluster does not say whose platform it is",
        *(f'  {name}: "" # {text}' for name, text in _implementation()),
    ]
    return "\n".join([*head, *_lines(findings, findings.tree(), ""), *_end(findings)]) + "\n"


def _implementation() -> Iterator[tuple[str, str]]:
    for name, each in Implementation.model_fields.items():
        if each.is_required():
            yield name, str(each.description)


def _lines(findings: Findings, tree: Mapping[str, Any], above: str) -> Iterator[str]:
    indent = "  " * above.count(".")
    for name, value in tree.items():
        key = f"{above}{name}"
        found = findings.found.get(key)
        if found is None:
            yield f"{indent}{name}:"
            yield from _lines(findings, value, f"{key}.")
        else:
            yield f"{indent}{name}: {_flow(value)} # {found.how}"


def _flow(value: Any) -> str:  # noqa: ANN401 - YAML
    """Return a value of YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False)
    return str(text).removesuffix("\n").removesuffix("...").rstrip()


def _end(findings: Findings) -> Iterator[str]:
    """Yield comments: what was not found, and what does not run for that."""
    known = {key.name: key for key in keys()}
    if findings.missing:
        yield ""
        yield "# Not found:"
    for name, why in findings.missing.items():
        yield f"# {name}: {why}."
        yield f"#   {_consequence(name, known.get(name))}"
    for remark in findings.remarks:
        yield f"# {remark}"


def _consequence(name: str, key: Key | None) -> str:
    said = []
    if key and key.required:
        said.append("A description needs it: fill it in.")
    elif key and key.default:
        said.append(f"Without it in this file, it is {key.default}.")
    if checks := checks_that_need(name):
        said.append(f"These need it: {', '.join(checks)}.")
    return " ".join(said) or "No check needs it."

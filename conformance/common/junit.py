"""JUnit's XML, as the schemas of Jenkins and GitLab have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET  # only writes


def document(name: str, suites: Iterable[ET.Element], seconds: float) -> str:
    """Return the file of these test suites, with what they add up to."""
    root = ET.Element("testsuites", {"name": name})
    root.extend(suites)
    for attribute in ("tests", "failures", "errors"):
        total = sum(int(suite.get(attribute, "0")) for suite in root)
        root.set(attribute, str(total))
    root.set("time", f"{seconds:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def add_properties(parent: ET.Element, properties: Mapping[str, str]) -> None:
    """Add named values to a suite or a case."""
    element = ET.SubElement(parent, "properties")
    for name, value in properties.items():
        ET.SubElement(element, "property", {"name": name, "value": value})

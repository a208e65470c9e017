"""What the API's objects are here, and how one or several of them are named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Object = dict[str, Any]
"""One object of the API, as JSON has it."""
Objects = list[Object]


class Ref(NamedTuple):
    """One object by its name, whether it exists or not.

    Unpacked, it is what ``Kube.get``, ``patch`` and ``delete`` take: ``kube.get(*ref)``.
    """

    api_version: str
    kind: str
    name: str
    namespace: str | None = None
    """None for kinds that have no namespace."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" in {self.namespace}" if self.namespace else "")

    @property
    def alone(self) -> Selection:
        """The selection of this object and no other."""
        return Selection(
            self.api_version, self.kind, self.namespace, fields=f"metadata.name={self.name}"
        )


def label_selector(labels: Mapping[str, str]) -> str:
    """Return what selects objects with all these labels, as for ``kubectl get --selector``."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


class Selection(NamedTuple):
    """The objects of one kind in a namespace (None: in all) that both selectors select.

    Selectors are written as for ``kubectl get --selector`` and ``--field-selector``; None selects
    every object. Unpacked, it is what ``Kube.list`` takes: ``kube.list(*selection)``.
    """

    api_version: str
    kind: str
    namespace: str | None = None
    labels: str | None = None
    fields: str | None = None

    def __str__(self) -> str:
        selectors = ",".join(part for part in (self.labels, self.fields) if part)
        each = f"each with {selectors}" if selectors else "each"
        return f"{self.kind} ({each})" + (f" in {self.namespace}" if self.namespace else "")

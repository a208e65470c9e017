"""What the checks of a run ran on: the machine, the cluster, its parts, how it was installed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conformance.report.base import Model


class Host(Model):
    """The machine the suite ran on."""

    system: str
    kernel: str
    cpus: int
    memory_bytes: int
    cgroups: str
    root: bool
    python: str


class ClusterInfo(Model):
    """The cluster under test."""

    provider: str
    choice: str = Field(default="", description="Why this provider was chosen.")
    name: str
    reused: bool = False
    snapshot: str = Field(
        default="",
        description="The snapshot that it was started from; empty: the platform was installed.",
    )
    kubernetes: str = ""
    container_runtime: str = ""
    nodes: int = 0
    node_system: str = ""
    node_image: str = Field(default="", description="Reference and digest, if it has one.")


class Component(Model):
    """A part that ran in the cluster or built what ran in it."""

    name: str
    version: str
    origin: str
    source: str = ""
    note: str = Field(default="", description="For a substitute: what it replaces.")
    key: str = Field(default="", description="Hash of everything it was built from.")


class ObtainedPart(Model):
    """A part that was not in the cache; several are obtained at the same time."""

    name: str
    how: Literal["built", "pulled"]
    began: float = Field(description="Seconds since the run began to look for parts.")
    seconds: float


class Substitute(Model):
    """What stands in for upstream software."""

    name: str
    role: str = ""
    instead_of: str
    kind: str = Field(default="substitute", description="substitute, or reference: replaceable.")
    note: str = ""


class InstallationStep(Model):
    """One step of installing the stack; steps overlap."""

    step: str
    began: float = Field(description="Seconds since the installation began.")
    seconds: float

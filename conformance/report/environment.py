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
    began: float = Field(description="Seconds since the run began.")
    seconds: float


class Substitute(Model):
    """What stands in for upstream software."""

    name: str
    role: str = ""
    instead_of: str
    kind: str = Field(default="substitute", description="substitute, or reference: replaceable.")
    note: str = ""


class Awaited(Model):
    """What somebody waited for, and when."""

    step: str = Field(description="Its name under installation, or of a part under obtained.")
    cluster: str = Field(default="", description="The cluster of that step, as there.")
    began: float = Field(description="Seconds since the run began.")
    seconds: float


class InstallationStep(Model):
    """Something that the run brought up or installed; steps overlap."""

    step: str
    kind: Literal["", "cluster", "image", "platform", "app image", "app", "preparation"] = Field(
        default="",
        description="image: of the platform, pushed to the cluster's registry; app image: built, "
        "pushed or released; preparation: made for several checks. Empty in reports of older "
        "suites.",
    )
    cluster: str = Field(default="", description="Where; empty: on none, or the one under test.")
    began: float = Field(
        description="Seconds since the run began; if kind is empty, since the installation began."
    )
    seconds: float
    outcome: Literal["done", "failed", "unfinished"] = Field(
        default="done", description="unfinished: it went on when the report was written."
    )
    waited_for: list[Awaited] = Field(
        default_factory=list,
        description="Other steps that it waited for, a tenth of a second or "
        "more, once it has ended.",
    )

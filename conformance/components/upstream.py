"""Where upstream publishes what the suite would otherwise build: which image, which path.

A part that is not listed has no image of upstream's: a part of Debian or PyPI is fetched from there
in any case, an image of the suite's own is made from parts, and a program is built (kind).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.common.pins import pin
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import ImagePart, Part


@dataclass(frozen=True, kw_only=True)
class ProgramImage(ImagePart):
    """An image that is pulled for programs in it, and that nothing runs."""


def _image(name: str, reference: str) -> ProgramImage:
    version = reference.rpartition(":")[2]
    return ProgramImage(
        name=name, version=version, source=reference, reference=reference, space=1500
    )


def _tag(name: str) -> str:
    """Return the version as projects write it whose tags have no leading v."""
    return pin(name).version.removeprefix("v")


_KUBERNETES = pin("kubernetes").version
_NODE = _image("upstream-kind-node", "docker.io/kindest/node:v1.36.4")
"""Of the images of the pinned kind's release the one with our minor version of Kubernetes. Its
containerd, runc, crictl and network plugins are those of kind's images/base/Dockerfile."""
_KUBECTL = _image("upstream-kubectl", f"registry.k8s.io/kubectl:{_KUBERNETES}")
_ETCD = _image("upstream-etcd", f"quay.io/coreos/etcd:{pin('etcd').version}")
_HELM = _image("upstream-helm", f"docker.io/alpine/helm:{_tag('helm')}")
"""Helm itself publishes no image."""
_REGISTRY = _image("upstream-registry", "docker.io/distribution/distribution:3.1.2")

PROGRAM_IMAGES: Mapping[str, ProgramImage] = {
    image.name: image for image in (_NODE, _KUBECTL, _ETCD, _HELM, _REGISTRY)
}

IMAGES: Mapping[str, str] = {
    name: CATALOGUE[name].reference  # type: ignore[attr-defined] # all are image parts
    for name in (
        "image-pause",
        "image-local-path-provisioner",
        "image-local-path-helper",
        "image-traefik",
        "image-debian",
        "image-kustomize-controller",
        "image-helm-controller",
        "image-source-controller",
        "image-kratos",
        "image-hydra",
        "image-mailpit",
        "image-seaweedfs",
        "image-velero",
        "image-velero-plugin-for-aws",
        "image-kube-apiserver",
        "image-kube-controller-manager",
        "image-kube-scheduler",
        "image-etcd",
        "image-kube-proxy",
    )
} | {
    # registry.k8s.io has only the versions that Kubernetes' own releases bring along.
    "image-coredns": f"docker.io/coredns/coredns:{_tag('coredns')}",
}
"""Image part -> what is pulled for it, and kept under the part's own reference."""


def _programs(image: str, folder: str, *names: str) -> dict[str, tuple[str, str]]:
    return {name: (image, f"{folder}/{name}") for name in names}


PROGRAMS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "runc": _programs(_NODE.name, "/usr/local/sbin", "runc"),
    "cni-plugins": _programs(
        _NODE.name, "/opt/cni/bin", "ptp", "host-local", "portmap", "loopback"
    ),
    "containerd": _programs(
        _NODE.name, "/usr/local/bin", "containerd", "containerd-shim-runc-v2", "ctr"
    ),
    "crictl": _programs(_NODE.name, "/usr/local/bin", "crictl"),
    "kubeadm": _programs(_NODE.name, "/usr/bin", "kubeadm"),
    "kubernetes": {
        **_programs("image-kube-apiserver", "/usr/local/bin", "kube-apiserver"),
        **_programs("image-kube-controller-manager", "/usr/local/bin", "kube-controller-manager"),
        **_programs("image-kube-scheduler", "/usr/local/bin", "kube-scheduler"),
        **_programs("image-kube-proxy", "/usr/local/bin", "kube-proxy"),
        **_programs(_NODE.name, "/usr/bin", "kubelet"),
        **_programs(_KUBECTL.name, "/bin", "kubectl"),
    },
    "kubectl": _programs(_KUBECTL.name, "/bin", "kubectl"),
    "etcd": _programs(_ETCD.name, "/usr/local/bin", "etcd"),
    "helm": _programs(_HELM.name, "/usr/bin", "helm"),
    "registry": _programs(_REGISTRY.name, "/bin", "registry"),
    **{
        name: _programs(f"image-{name}", "/usr/local/bin", name)
        for name in ("kustomize-controller", "helm-controller", "source-controller")
    },
    "velero": _programs("image-velero", "", "velero", "velero-restore-helper"),
}
"""Part -> program -> the image that has it, by name, and its path there. Where the part has folders
of its Go module as well, they come from the module's archive."""

VERSIONS: Mapping[str, str] = {
    "containerd": "v2.3.4",
    "runc": "v1.4.3",
    "kubeadm": _NODE.version,
    "registry": _REGISTRY.version,
    "image-etcd": CATALOGUE["image-etcd"].reference.rpartition(":")[2],  # type: ignore[attr-defined]
}
"""Pulled parts with another version than the one that is built."""


STILL_SUBSTITUTES = frozenset({"image-traefik"})
"""Pulled parts that are upstream's and yet stand in for something else."""


def version(wanted: Part, *, pulled: bool) -> str:
    """Return the version that a part has when it is built, or pulled."""
    return (VERSIONS.get(wanted.name) if pulled else None) or wanted.version


def reference(name: str) -> str | None:
    """Return what is pulled for an image, None when upstream has none."""
    image = PROGRAM_IMAGES.get(name)
    return image.reference if image else IMAGES.get(name)


def references() -> list[str]:
    """Return all that is ever pulled, sorted."""
    return sorted({*IMAGES.values(), *(image.reference for image in PROGRAM_IMAGES.values())})

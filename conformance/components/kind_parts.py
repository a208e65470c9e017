"""kind, the node image it takes where none can be pulled, and a Docker engine where none runs."""

from __future__ import annotations

import json

from conformance.common.pins import pin
from conformance.components.declare import go, kubernetes_version
from conformance.components.parts import DebianRootfs, FileImage, KindNode, Part, SystemImage
from conformance.components.pods import pod_network

_CRI_TOOLS = "sigs.k8s.io/cri-tools"
_KUBERNETES = pin("kubernetes").version
_ETCD = "3.6.8-0"
"""Tag of the image that kubeadm of this version runs (cmd/kubeadm/app/constants)."""
_DEVICES = "dev/*"  # of the container, not of its image
_IPTABLES = ("iptables", "iptables-save", "iptables-restore")


def _control_plane(name: str) -> FileImage:
    """Return the image of one of kubeadm's static pods, which name the program to run."""
    return FileImage(
        name=f"image-{name}",
        version=_KUBERNETES,
        source="k8s.io/kubernetes",
        reference=f"registry.k8s.io/{name}:{_KUBERNETES}",
        files={f"/usr/local/bin/{name}": f"kubernetes:{name}"},
        inputs=("kubernetes",),
        space=150,
    )


_CONTROL_PLANE = tuple(
    _control_plane(name) for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
)
_IMAGES = (*(one.name for one in _CONTROL_PLANE), "image-etcd", "image-kube-proxy", "image-pause")
_STORAGE = {
    # kind applies this file; without it, a StorageClass of its own. Something must be in it.
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "default-storage", "namespace": "kube-system"},
    "data": {"note": "the platform brings its own StorageClass"},
}


def _programs(folder: str, part: str, *names: str) -> dict[str, str]:
    return {f"{folder}/{name}": f"{part}:{name}" for name in names}


def _enabled(target: str, *units: str) -> dict[str, str]:
    system = "/etc/systemd/system"
    return {f"{system}/{target}.wants/{unit}": f"{system}/{unit}" for unit in units}


KIND_PARTS: tuple[Part, ...] = (
    go(
        "kind",
        "sigs.k8s.io/kind",
        commands={"kind": ""},
        folders={"files": "images/base/files"},
        space=150,
    ),
    go(
        "crictl",
        _CRI_TOOLS,
        commands={"crictl": "cmd/crictl"},
        ldflags=f"-X {_CRI_TOOLS}/pkg/version.Version={pin('crictl').version}",
        space=700,
    ),
    go(
        "kubeadm",
        "k8s.io/kubernetes",
        shares="kubernetes",
        commands={"kubeadm": "cmd/kubeadm"},
        ldflags=kubernetes_version(),
        space=1500,
    ),
    *_CONTROL_PLANE,
    FileImage(
        name="image-etcd",
        version=pin("etcd").version,
        source="go.etcd.io/etcd/server/v3",
        reference=f"registry.k8s.io/etcd:{_ETCD}",
        files={"/usr/local/bin/etcd": "etcd:etcd"},
        inputs=("etcd",),
        space=50,
        origin="substitute",
        note=f"in place of registry.k8s.io/etcd {_ETCD}",
    ),
    DebianRootfs(
        name="kube-proxy-base",
        version="bookworm",
        source="Debian 12 by mmdebstrap",
        packages={"mmdebstrap": "mmdebstrap"},
        variant="extract",
        include=("iptables", "nftables", "conntrack"),
        space=150,
    ),
    SystemImage(
        name="image-kube-proxy",
        version=_KUBERNETES,
        source="k8s.io/kubernetes",
        reference=f"registry.k8s.io/kube-proxy:{_KUBERNETES}",
        rootfs="kube-proxy-base",
        without=(_DEVICES, "*.gz", "usr/share/locale/*", "*/gconv/*"),
        files=_programs("/usr/local/bin", "kubernetes", "kube-proxy"),
        links={
            f"/usr/sbin/{name.replace('ip', prefix, 1)}": "xtables-nft-multi"
            for name in _IPTABLES
            for prefix in ("ip", "ip6")
        },
        inputs=("kube-proxy-base", "kubernetes"),
        space=150,
        origin="substitute",
        note="in place of registry.k8s.io/kube-proxy",
    ),
    DebianRootfs(
        name="kind-base",
        version="bookworm",
        source="Debian 12 by mmdebstrap",
        packages={"mmdebstrap": "mmdebstrap"},
        variant="essential",
        include=(
            *("systemd", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux"),
            *("mount", "kmod", "libseccomp2", "e2fsprogs", "bash", "ca-certificates", "curl"),
            *("jq", "procps"),
        ),
        space=600,
    ),
    KindNode(
        name="kind-node",
        version=_KUBERNETES,
        source="sigs.k8s.io/kind, images/base",
        reference=f"docker.io/stackspin-conformance/kind-node:{_KUBERNETES}",
        rootfs="kind-base",
        without=(
            _DEVICES,
            # Perl's library: only dpkg's usrmerge, done by now, asks for more than perl-base.
            *("usr/lib/*/perl/*", "usr/lib/*/libperl.so*", "usr/share/perl/*"),
            # Units that kind's Dockerfile removes.
            "usr/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
            *("usr/lib/systemd/system/multi-user.target.wants/*", "etc/systemd/system/*.wants/*"),
            "usr/lib/systemd/system/local-fs.target.wants/*",
            "usr/lib/systemd/system/sockets.target.wants/*udev*",
            "usr/lib/systemd/system/sockets.target.wants/*initctl*",
            "usr/lib/systemd/system/basic.target.wants/*",
        ),
        files={
            **_programs("/usr/bin", "kubernetes", "kubelet", "kubectl"),
            **_programs("/usr/bin", "kubeadm", "kubeadm"),
            **_programs("/usr/local/bin", "containerd", "containerd", "ctr"),
            **_programs("/usr/local/bin", "containerd", "containerd-shim-runc-v2"),
            **_programs("/usr/local/bin", "crictl", "crictl"),
            **_programs("/usr/local/sbin", "runc", "runc"),
            **_programs("/opt/cni/bin", "cni-plugins", "ptp", "host-local", "portmap", "loopback"),
        },
        texts={
            "/kind/version": _KUBERNETES,
            "/kind/manifests/default-storage.yaml": json.dumps(_STORAGE),
            "/etc/cni/net.d/10-ptp.conflist": json.dumps(pod_network(masquerade=True), indent=2),
            "/etc/systemd/journald.conf.d/kind.conf": "[Journal]\nReadKMsg=no\n",
        },
        links={
            "/usr/sbin/init": "/usr/lib/systemd/systemd",
            "/etc/systemd/system/systemd-binfmt.service": "/dev/null",
            **_enabled(
                "multi-user.target",
                "kubelet.service",
                "containerd.service",
                "undo-mount-hacks.service",
            ),
        },
        images=_IMAGES,
        inputs=(
            *("kind-base", "kind", "kubernetes", "kubeadm", "containerd", "crictl", "runc"),
            *("cni-plugins", *_IMAGES),
        ),
        space=2000,
        origin="substitute",
        note="in place of docker.io/kindest/node",
    ),
    DebianRootfs(
        name="docker-engine",
        version="bookworm",
        source="Debian 12 package docker.io",
        include=("docker.io", "iproute2", "iptables", "python3"),
        packages={"mmdebstrap": "mmdebstrap"},
        space=900,
    ),
)
"""Made only where kind is asked for."""

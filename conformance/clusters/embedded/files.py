"""What the node's processes read: their configuration, kubeconfigs and the node's /etc."""

from __future__ import annotations

import base64
import json
import os
import shutil
import string
import uuid
from pathlib import Path
from typing import Any

import yaml

from conformance.clusters.embedded import processes as node
from conformance.clusters.embedded.processes import PARTS, PKI
from conformance.clusters.node import API_PORT, POD_PIDS
from conformance.clusters.node_registry import registry_files
from conformance.common.architecture import architecture
from conformance.components.pods import POD_SUBNET, pod_network

HOST_ETC = (
    "alternatives",
    "group",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "login.defs",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "protocols",
    "services",
    "terminfo",
)
"""What the host's own programs (iptables, ip, sh) and kubelet read in /etc; copied."""
_NAME_SERVER = "nameserver"


def write_files(
    disk: Path,
    *,
    name: str,
    address: str,
    cgroup_root: str,
    snapshotter: str,
    restrict_oom_score: bool,
    pause_image: str,
    open_files: int,
    name_server: str = "",
) -> None:
    """Write the node's /etc below ``disk``; the certificates are there already.

    ``name`` is the node's, ``cgroup_root`` the cgroup that pods are put in, ``open_files`` the
    limit that processes of the node may set. ``name_server`` is for names outside; empty: the node
    reaches nothing there.
    """
    etc = disk / "etc"
    for entry in HOST_ETC:
        _copy_from_host(entry, etc)
    _write(etc / "hostname", f"{name}\n")
    _write(etc / "machine-id", f"{uuid.uuid4().hex}\n")
    _write(etc / "hosts", f"127.0.0.1 localhost\n{address} {name}\n")
    # Without a way out there is no name server to ask but the cluster's own.
    resolv = f"{_NAME_SERVER} {name_server}\n" if name_server else "# the node has no way out\n"
    _write(etc / "resolv.conf", resolv)
    if name_server:
        _copy_from_host("ssl/certs/ca-certificates.crt", etc)  # images are pulled from outside, too
    server = f"https://{address}:{API_PORT}"
    for user in ("controller-manager", "scheduler", "kubelet", "proxy"):
        _write(etc / f"kubernetes/{user}.conf", _kubeconfig_of(user, server), mode=0o600)
    _write(etc / "kubernetes/kubelet.yaml", _dump(_kubelet(cgroup_root, open_files)))
    _write(etc / "kubernetes/kube-proxy.yaml", _dump(_kube_proxy()))
    # One rule of the node's own does for all pods (``sandbox/init.py``).
    network = pod_network(masquerade=False)
    _write(etc / "cni/net.d/10-ptp.conflist", json.dumps(network, indent=2))
    _write(
        etc / "containerd/config.toml",
        _CONTAINERD.substitute(
            socket=node.CONTAINERD_SOCKET,
            snapshotter=snapshotter,
            architecture=architecture(),
            pause_image=pause_image,
            restrict_oom_score=str(restrict_oom_score).lower(),
            runc=f"{PARTS}/runc/runc",
        ),
    )
    for path, text in registry_files(with_upstream=bool(name_server)).items():
        _write(etc / path, text)


def has_egress(resolv: Path) -> bool:
    """Whether a node with this resolv.conf has a way out."""
    return resolv.read_text(encoding="utf-8").startswith(_NAME_SERVER)


def admin_kubeconfig(pki: Path, *, context: str, server: str) -> str:
    """Return a self-contained kubeconfig with administrator rights."""

    def data(file: str) -> str:
        return base64.b64encode((pki / file).read_bytes()).decode()

    return _kubeconfig(
        context,
        {"server": server, "certificate-authority-data": data("ca.crt")},
        {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")},
    )


def _kubeconfig_of(user: str, server: str) -> str:
    """Return the kubeconfig of one of the node's own processes, certificates by reference."""
    return _kubeconfig(
        "default",
        {"server": server, "certificate-authority": f"{PKI}/ca.crt"},
        {"client-certificate": f"{PKI}/{user}.crt", "client-key": f"{PKI}/{user}.key"},
    )


def _kubeconfig(name: str, cluster: dict[str, str], user: dict[str, str]) -> str:
    return _dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


def _kubelet(cgroup_root: str, open_files: int) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{PKI}/kubelet-serving.crt",
        "tlsPrivateKeyFile": f"{PKI}/kubelet-serving.key",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup_root,
        "failCgroupV1": False,
        "failSwapOn": False,
        # What the host does not let its root do, such as reading /dev/kmsg, is not fatal.
        "featureGates": {"KubeletInUserNamespace": True},
        "clusterDNS": [node.DNS_SERVICE_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "containerRuntimeEndpoint": f"unix://{node.CONTAINERD_SOCKET}",
        "volumePluginDir": node.VOLUME_PLUGINS,
        "maxOpenFiles": open_files,
        # Images come from the same disk: nothing to be gentle with.
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        # How full the host's disk is, is not the cluster's business: no eviction, no deletion of
        # images. Too little of it is found out before the start.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {},
        # A pod without limits takes neither all processes nor all memory of the host: what is
        # not reserved is the limit of the group that all pods are in, and the kernel ends the
        # largest process there.
        "podPidsLimit": POD_PIDS,
        "systemReserved": {"memory": str(_host_memory() // 4)},
        # Changed ConfigMaps reach mounted volumes with this period; the default is a minute.
        "syncFrequency": "10s",
    }


def _host_memory() -> int:
    """Return the bytes of memory that the host has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _kube_proxy() -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": POD_SUBNET,
        "clientConnection": {"kubeconfig": "/etc/kubernetes/proxy.conf"},
        # A Service works this much later than it could; the default, a second, is for thousands.
        "iptables": {"minSyncPeriod": "0.1s"},
        # The connection table's limits belong to the host: zero is "leave as they are".
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


_CONTAINERD = string.Template("""\
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "$socket"

[plugins.'io.containerd.cri.v1.images']
  snapshotter = "$snapshotter"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "$pause_image"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "/etc/containerd/certs.d"

[[plugins.'io.containerd.transfer.v1.local'.unpack_config]]
  platform = "linux/$architecture"
  snapshotter = "$snapshotter"

[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = $restrict_oom_score
  # By default it asks for the CPU of every container each second, to have usageNanoCores at hand
  # for somebody who asks. Nobody does: kubelet counts for itself.
  stats_collect_period = "1h"
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
    use_internal_loopback = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "$runc"
""")


def _dump(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode)
    path.write_text(text, encoding="utf-8")


def _copy_from_host(entry: str, etc: Path) -> None:
    source = Path("/etc") / entry
    if source.is_dir():
        shutil.rmtree(etc / entry, ignore_errors=True)  # of the host that a snapshot was made on
        shutil.copytree(source, etc / entry, symlinks=True)
    elif source.is_file():
        (etc / entry).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, etc / entry)

"""What runs in the node: each process, its arguments, what it needs and how it shows it is up."""

from __future__ import annotations

from conformance.clusters.node import (
    API_PORT,
    API_SERVER_ENVIRONMENT,
    CONTROLLER_MANAGER_RATE,
    REGISTRY_PORT,
    SERVICE_SUBNET,
)
from conformance.clusters.sandbox.process import Process

PARTS = "/opt/parts"
"""In the node: one folder a component, named as in the catalogue."""
PKI = "/etc/kubernetes/pki"
ADMIN = "/etc/kubernetes/admin.conf"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_SERVICE_ADDRESS = "10.96.0.10"
ETCD = "http://127.0.0.1:2379"
ETCD_PEER = "http://127.0.0.1:2380"
KUBELET_ROOT = "/var/lib/kubelet"
"""Kubelet's own choice of --root-dir."""
VOLUME_PLUGINS = f"{KUBELET_ROOT}/volumeplugins"
"""Not the default in /usr/libexec: the node sees the host's /usr, read-only."""


def node_processes(*, node: str, address: str) -> list[Process]:
    """Return the node's processes in the order to start them."""
    return [
        _etcd(),
        _apiserver(address),
        _containerd(),
        Process(
            "registry",
            [f"{PARTS}/registry/registry", "serve", "/etc/registry/config.yml"],
            ready={"tcp": f"127.0.0.1:{REGISTRY_PORT}"},
            env={"OTEL_TRACES_EXPORTER": "none"},
        ),
        _controller_manager(),
        Process(
            "kubelet",
            [
                f"{PARTS}/kubernetes/kubelet",
                "--config=/etc/kubernetes/kubelet.yaml",
                "--kubeconfig=/etc/kubernetes/kubelet.conf",
                f"--hostname-override={node}",
                f"--node-ip={address}",
            ],
            needs=("kube-apiserver", "containerd"),
        ),
        Process(
            "kube-scheduler",
            [
                f"{PARTS}/kubernetes/kube-scheduler",
                "--kubeconfig=/etc/kubernetes/scheduler.conf",
                "--leader-elect=false",
            ],
            needs=("kube-apiserver",),
        ),
        Process(
            "kube-proxy",
            [
                f"{PARTS}/kubernetes/kube-proxy",
                "--config=/etc/kubernetes/kube-proxy.yaml",
                f"--hostname-override={node}",
            ],
            needs=("kube-apiserver",),
        ),
    ]


def _etcd() -> Process:
    return Process(
        "etcd",
        [
            f"{PARTS}/etcd/etcd",
            "--data-dir=/var/lib/etcd",
            # A killed process loses nothing that it wrote; only a power cut would, and after
            # that this cluster does not come back. Without it every write waits for the disk.
            "--unsafe-no-fsync",
            # Loopback of a network namespace of the node's own: no certificates needed.
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={ETCD_PEER}",
            f"--initial-advertise-peer-urls={ETCD_PEER}",
            f"--initial-cluster=default={ETCD_PEER}",
        ],
        ready={"tcp": "127.0.0.1:2379"},
    )


def _apiserver(address: str) -> Process:
    return Process(
        "kube-apiserver",
        [
            f"{PARTS}/kubernetes/kube-apiserver",
            f"--etcd-servers={ETCD}",
            f"--advertise-address={address}",
            f"--secure-port={API_PORT}",
            f"--service-cluster-ip-range={SERVICE_SUBNET}",
            f"--client-ca-file={PKI}/ca.crt",
            f"--tls-cert-file={PKI}/apiserver.crt",
            f"--tls-private-key-file={PKI}/apiserver.key",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={PKI}/service-accounts.pub",
            f"--service-account-signing-key-file={PKI}/service-accounts.key",
            f"--kubelet-certificate-authority={PKI}/ca.crt",
            f"--kubelet-client-certificate={PKI}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={PKI}/apiserver-kubelet-client.key",
            # The node's name resolves nowhere but in the node.
            "--kubelet-preferred-address-types=InternalIP",
            f"--requestheader-client-ca-file={PKI}/front-proxy-ca.crt",
            f"--proxy-client-cert-file={PKI}/front-proxy-client.crt",
            f"--proxy-client-key-file={PKI}/front-proxy-client.key",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
        ],
        env=API_SERVER_ENVIRONMENT,
        # Refused once, its etcd client waits a second before it tries again.
        needs=("etcd",),
        ready={"https": f"127.0.0.1:{API_PORT}/readyz"},
    )


def _containerd() -> Process:
    return Process(
        "containerd",
        [f"{PARTS}/containerd/containerd", "--config=/etc/containerd/config.toml"],
        ready={"unix": CONTAINERD_SOCKET},
    )


def _controller_manager() -> Process:
    kubeconfig = "/etc/kubernetes/controller-manager.conf"
    return Process(
        "kube-controller-manager",
        [
            f"{PARTS}/kubernetes/kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            f"--service-account-private-key-file={PKI}/service-accounts.key",
            f"--root-ca-file={PKI}/ca.crt",
            f"--cluster-signing-cert-file={PKI}/ca.crt",
            f"--cluster-signing-key-file={PKI}/ca.key",
            "--use-service-account-credentials=true",
            *(f"--{name}={value}" for name, value in CONTROLLER_MANAGER_RATE.items()),
            "--leader-elect=false",
            f"--flex-volume-plugin-dir={VOLUME_PLUGINS}",
        ],
        # Before the API server has bootstrapped RBAC it is refused everything, and exits.
        needs=("kube-apiserver",),
    )

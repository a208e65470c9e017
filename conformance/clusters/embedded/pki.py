"""The node's certificates: whom its processes trust, and as whom they speak.

What needs which certificate: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conformance.common.pki import CertificateAuthority, KeyPair, private_pem

VALIDITY = timedelta(days=365)
"""A node that is kept stays usable for long."""


class Authority:
    """A certificate authority whose files are ``<folder>/<name>.crt`` and ``.key``."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make a new one."""
        self._folder = folder
        self._authority = CertificateAuthority(name, VALIDITY)
        _write(folder / name, self._authority.key_pair)

    @classmethod
    def read(cls, folder: Path, name: str) -> Self:
        """Return the one whose files are there."""
        made = cls.__new__(cls)
        made._folder = folder
        pair = KeyPair(*((folder / f"{name}.{end}").read_bytes() for end in ("crt", "key")))
        made._authority = CertificateAuthority.of(pair, VALIDITY)
        return made

    def issue(
        self,
        file: str,
        user: str,
        *,
        groups: Sequence[str] = (),
        serves: Sequence[str] = (),
    ) -> None:
        """Write ``<file>.crt`` and ``.key`` for a Kubernetes user and its groups.

        With ``serves``, names and addresses, it is a server's certificate as well.
        """
        pair = self._authority.issue_client(user, groups=groups, serves=serves)
        _write(self._folder / file, pair)


def write_cluster_pki(folder: Path, *, node: str, address: str, service_address: str) -> None:
    """Write every certificate and key of a single-node cluster into ``folder``.

    ``service_address`` is that of the Service ``kubernetes`` in namespace default.
    """
    folder.mkdir(mode=0o700, parents=True)
    _issue(Authority(folder, "ca"), node, address, service_address)
    Authority(folder, "front-proxy-ca").issue("front-proxy-client", "front-proxy-client")
    accounts = ec.generate_private_key(ec.SECP256R1())
    _write_private(folder / "service-accounts.key", private_pem(accounts))
    (folder / "service-accounts.pub").write_bytes(
        accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def renew_cluster_pki(folder: Path, *, node: str, address: str, service_address: str) -> None:
    """Issue what is in ``folder`` again, for a node that has another address.

    The authorities stay, and the key of service accounts: pods trust them.
    """
    _issue(Authority.read(folder, "ca"), node, address, service_address)
    Authority.read(folder, "front-proxy-ca").issue("front-proxy-client", "front-proxy-client")


def _issue(cluster: Authority, node: str, address: str, service_address: str) -> None:
    cluster.issue(
        "apiserver",
        "kube-apiserver",
        serves=[
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost",
            node,
            address,
            service_address,
            "127.0.0.1",
        ],
    )
    masters = ("system:masters",)  # no RoleBinding to install before anything works
    cluster.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client", groups=masters)
    cluster.issue("admin", "kubernetes-admin", groups=masters)
    cluster.issue("controller-manager", "system:kube-controller-manager")
    cluster.issue("scheduler", "system:kube-scheduler")
    cluster.issue("proxy", "system:kube-proxy")
    cluster.issue("kubelet", f"system:node:{node}", groups=("system:nodes",))
    cluster.issue("kubelet-serving", node, serves=[node, address])


def _write(path: Path, pair: KeyPair) -> None:
    path.with_name(path.name + ".crt").write_bytes(pair.certificate)
    _write_private(path.with_name(path.name + ".key"), pair.key)


def _write_private(path: Path, pem: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(pem)

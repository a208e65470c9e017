"""What the suite adds to a kind node as services of systemd: its registry, a rule that refuses."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from conformance.clusters.node import REGISTRY_PORT, SERVICE_SUBNET
from conformance.clusters.node_registry import registry_files

_REGISTRY = """\
[Unit]
Description=The registry that the conformance suite pushes to and this node pulls from
[Service]
Environment=OTEL_TRACES_EXPORTER=none
ExecStart=/usr/local/bin/registry serve /etc/registry/config.yml
ExecStartPost=/bin/sh -c 'until curl -fs http://127.0.0.1:{port}/v2/; do sleep 0.05; done'
TimeoutStartSec=20
Restart=always
[Install]
WantedBy=multi-user.target
"""
_REFUSAL = """\
[Unit]
Description=Refuse what is for a Service that kube-proxy does not know yet: silence costs 30 s
Before=kubelet.service
[Service]
Type=oneshot
ExecStart=/usr/sbin/iptables --wait --append FORWARD --destination {subnet} --jump REJECT
[Install]
WantedBy=multi-user.target
"""
_FILES = {
    "registry": _REGISTRY.format(port=REGISTRY_PORT),
    "refusal": _REFUSAL.format(subnet=SERVICE_SUBNET),
}
UNITS = tuple(_FILES)


def archive(registry: Path) -> bytes:
    """Return a tar file, for the node's root, of the services and what they need.

    ``registry`` is the program; the node's containerd takes it as the mirror of all others.
    """
    files = {
        "usr/local/bin/registry": registry.read_bytes(),
        **{f"etc/{path}": text.encode() for path, text in registry_files().items()},
        **{f"etc/systemd/system/{name}.service": text.encode() for name, text in _FILES.items()},
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mode = 0o755 if "/bin/" in path else 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()

"""A container that runs an app's image, observed from outside: HTTP, node shell, testinfra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
import testinfra

from conformance.common.errors import HarnessError
from conformance.common.transcript import record
from conformance.kube.execution import execute
from conformance.kube.logs import wait_for_line
from conformance.kube.port_forward import forward
from conformance.services.ingress import answered

if TYPE_CHECKING:
    from testinfra.host import Host

    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube

LISTEN = "0A"
"""State TCP_LISTEN in /proc/net/tcp (Linux, include/net/tcp_states.h)."""

STDOUT = "/dev/stdout"
"""As the path of a log: the container's own output, which Kubernetes keeps."""

_SOCKETS = """
for group in /proc/[0-9]*/cgroup; do
  if grep -q "$1" "$group" 2>/dev/null; then
    cat "${group%/cgroup}/net/tcp" "${group%/cgroup}/net/tcp6" && exit
  fi
done
exit 1
"""


def listening_ports(table: str) -> set[int]:
    """Return the ports on which something listens, from the text of /proc/net/tcp and tcp6."""
    ports = set()
    for line in table.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == LISTEN:
            ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


@dataclass(frozen=True)
class RunningImage:
    """One pod with one container, running."""

    kube: Kube
    pod: dict[str, Any]

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.pod["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return str(self.pod["metadata"]["namespace"])

    def get(self, port: int, path: str) -> requests.Response:
        """Ask the app at this port of its pod. Raises requests.RequestException."""
        with (
            forward(self.kube, self.namespace, self.name, port) as local,
            requests.Session() as session,
        ):
            session.trust_env = False
            url = f"http://127.0.0.1:{local}{path}"
            answer = session.get(url, timeout=self.kube.timeouts.http)
        record(f"GET {path} of pod {self.namespace}/{self.name}, port {port}", answered(answer))
        return answer

    def listens_on(self, cluster: Cluster) -> set[int]:
        """Return the TCP ports on which the pod listens, as the node's kernel has them.

        Needs ``Feature.NODE_SHELL``, and no tool in the image. Raises HarnessError when the
        container has no process.
        """
        container = self.pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
        answer = cluster.node_run(
            ["sh", "-c", _SOCKETS, "sockets", container], timeout=self.kube.timeouts.command
        )
        if answer.returncode:
            raise HarnessError(
                f"the node has no process of container {container} of pod {self.name}: "
                f"{answer.stderr.decode(errors='replace').strip()}"
            )
        return listening_ports(answer.stdout.decode())

    def wait_logged(self, text: str, log: str) -> None:
        """Wait until the app's log at the path ``log`` has ``text`` in a line.

        The path may be the container's own output; an app may log a request only after its answer.
        Raises AssertionError with the end of the log.
        """
        if log == STDOUT:
            wait_for_line(self.kube, self.namespace, self.name, text)
        else:
            follow = ("tail", "--lines=+1", "--follow=name", "--retry", log)
            execute(
                self.kube,
                self.namespace,
                self.name,
                follow,
                timeout=self.kube.timeouts.log,
                until=text.encode(),
            )

    def inside(self, kubeconfig: str) -> Host:
        """Return the container as testinfra sees it; ``kubectl`` must be on PATH."""
        container = self.pod["spec"]["containers"][0]["name"]
        return testinfra.get_host(
            f"kubectl://{self.name}?namespace={self.namespace}&container={container}",
            kubeconfig=kubeconfig,
        )

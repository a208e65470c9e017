"""The end of a node of which a snapshot is made: its address goes out of etcd.

The Service of the API has the address of each API server, which a fork must not find there: it
might be that of another cluster by then, which would even let the fork's pods in. An API server
that is told to end removes its own, but then waits for a minute for whoever watches something. So
it is killed, and etcd is told, by JSON: https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys

from conformance.clusters.embedded.processes import ETCD
from conformance.clusters.sandbox.host_process import HostProcess
from conformance.common.errors import HarnessError

_OF_THE_API = (
    "/registry/masterleases/",
    "/registry/services/endpoints/default/kubernetes",
    "/registry/endpointslices/default/kubernetes",
)
"""Keys, and those that begin with them; a new API server makes them again when it is ready."""
_POST = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for body in sys.argv[2:]:
    opener.open(sys.argv[1], body.encode(), timeout=10).read()
"""


def forget_address(node: HostProcess) -> None:
    """End the API server of a node, given by its PID 1, and take its address out of etcd.

    Raises HarnessError.
    """
    server = node.child("kube-apiserver")
    if server is None or not server.kill():
        raise HarnessError("the node's API server is not there to be ended", "start it again")
    in_network = ("nsenter", f"--target={node.pid}", "--net", "--")
    answer = subprocess.run(
        [
            *in_network,
            *(sys.executable, "-I", "-c", _POST, f"{ETCD}/v3/kv/deleterange"),
            *map(_deletion, _OF_THE_API),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        raise HarnessError(
            f"etcd did not forget the node's address: {answer.stderr.strip()}",
            "look into the log of etcd",
        )


def _deletion(prefix: str) -> str:
    """Return what deletes the keys that begin with ``prefix``: up to the next that does not."""
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    encoded = [base64.b64encode(text.encode()).decode() for text in (prefix, end)]
    return json.dumps(dict(zip(("key", "range_end"), encoded, strict=True)))

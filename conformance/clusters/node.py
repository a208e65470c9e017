"""What the nodes of the suite's own have in common, whichever provider brings them up."""

from __future__ import annotations

import calendar
import time

from conformance.kube.objects import Object

REGISTRY_PORT = 5000
API_PORT = 6443
SERVICE_SUBNET = "10.96.0.0/16"
API_SERVER_ENVIRONMENT = {"GOGC": "300"}
"""At Go's own 100, a third of its time is garbage collection; its live heap is 200 MB."""
CONTROLLER_MANAGER_RATE = {"kube-api-qps": "1000", "kube-api-burst": "1000"}
"""Its 40 controllers' accounts and tokens come first: at the default 20 requests a second that is
4 s before the first Deployment makes a pod."""

POD_PIDS = 2048
"""Processes and threads of one pod: one that forks without end leaves the others theirs. The
largest of the platform's has some hundred."""


def is_ready(node: Object, since: float = 0.0) -> bool:
    """Whether a Node said after ``since`` (seconds since the epoch) that it is Ready.

    After a restart the API server first tells what the node said before it was killed. The
    heartbeat's time has whole seconds only, and no node is up within the second it was started in.
    """
    condition = _ready_condition(node)
    beat = condition.get("lastHeartbeatTime") or "1970-01-01T00:00:00Z"
    spoken = calendar.timegm(time.strptime(beat, "%Y-%m-%dT%H:%M:%SZ"))
    return condition.get("status") == "True" and spoken > int(since)


def ready_message(node: Object) -> str:
    """Return what the node says about why it is not Ready."""
    return str(_ready_condition(node).get("message", "the node has not said how it is"))


def _ready_condition(node: Object) -> Object:
    conditions: list[Object] = node.get("status", {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == "Ready"), {})

"""``stackspin-conformance cluster up``, with all that a cluster and its DNS need."""

from __future__ import annotations

import contextlib
import sys
import time

from conformance.cli.components import settings_of
from conformance.clusters.select import make_cluster
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.kube.client import Kube
from conformance.platform.reference import ReferenceStack


def bring_up(name: str, provider: str, docker: str) -> None:
    """Start a cluster and keep it; print the line that makes kubectl use it."""
    settings = Settings(
        cluster=provider, docker=docker, cluster_name=name, keep_cluster=True, **settings_of()
    )
    components = Components(settings)
    with contextlib.redirect_stdout(sys.stderr):  # a shell reads what is printed last
        cluster = make_cluster(settings, components)
    started = time.monotonic()
    try:
        cluster.start()
        how = "already up, kept"
        if not cluster.reused:
            how = f"Ready in {time.monotonic() - started:.1f} s"
            ReferenceStack(
                settings, cluster, Kube(cluster.kubeconfig, timeouts=settings.timeouts), components
            ).dns()
            how += f", DNS in {time.monotonic() - started:.1f} s"
    finally:
        components.close()
    print(f"cluster {name}: {how}; node {cluster.node_address}", file=sys.stderr)
    print(f"export KUBECONFIG={cluster.kubeconfig}")

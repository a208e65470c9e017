"""``stackspin-conformance cluster up``, with all that a cluster and its platform need."""

from __future__ import annotations

import contextlib
import sys
import time

from conformance.apps.catalogue import APPS
from conformance.apps.whole_platform import whole_platform
from conformance.cli.components import settings_of
from conformance.common.redaction import Redactor
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.platform.reference import ReferenceStack
from conformance.platform.site import Site, SiteMaker
from conformance.platform.snapshots import AUTO, NEVER, start


def bring_up(name: str, provider: str, docker: str, *, with_platform: bool) -> None:
    """Start a cluster and keep it; print the line that makes kubectl use it."""
    settings = Settings(
        cluster=provider, docker=docker, cluster_name=name, keep_cluster=True, **settings_of()
    )
    components = Components(settings)
    snapshot = AUTO if with_platform else NEVER
    maker = SiteMaker(settings, components, Redactor(), _say, snapshot=snapshot)
    began = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # a shell reads what is printed last
            cluster = maker.cluster()
            start(maker, cluster, whole_platform(maker))
        how = "already up, kept"
        if not cluster.reused:
            how = f"Ready in {time.monotonic() - began:.1f} s"
        if with_platform or not cluster.reused:
            how += _install(maker, maker.site(cluster), began, with_platform=with_platform)
    finally:
        components.close()
    print(f"cluster {name}: {how}; node {cluster.node_address}", file=sys.stderr)
    print(f"export KUBECONFIG={cluster.kubeconfig}")


def _install(maker: SiteMaker, site: Site, began: float, *, with_platform: bool) -> str:
    """Install what is missing; return in words when it was there, in seconds after ``began``."""
    stack = site.stack
    assert isinstance(stack, ReferenceStack)  # noqa: S101 - no other one is asked for here
    try:
        if not with_platform:
            stack.dns()
            return f", DNS in {time.monotonic() - began:.1f} s"
        if site.cluster.has_apps:
            stack.single_sign_on()
        else:
            whole_platform(maker).install(site)
        http, domain = stack.http(), maker.settings.domain
        hosts = [f"{name}.{domain}" for name in ("dashboard", *APPS)]
        for host in hosts:
            http.get_routed(f"https://{host}/", redirects=False).raise_for_status()
        where = f" from {site.cluster.snapshot}" if site.cluster.snapshot else ", installed"
        return (
            f", all of Stackspin in {time.monotonic() - began:.1f} s{where}; "
            f"{', '.join(hosts)} answer at the node's address"
        )
    finally:
        stack.close()
        site.kube.close()


def _say(line: str) -> None:
    print(line, file=sys.stderr)

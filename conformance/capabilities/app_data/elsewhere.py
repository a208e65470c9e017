"""An app in another, empty cluster: brought there by nothing but a backup of its namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.apps.package.delivery import Delivery
from conformance.apps.package.package_images import full_name
from conformance.apps.package.running import RunningApp
from conformance.apps.tracked import TrackedBranch
from conformance.capabilities.app_data.data import AppData
from conformance.kube.inventory import everything, ref_of
from conformance.kube.objects import Object
from conformance.kube.wait import WaitFailed
from conformance.services.velero import RESTORE_NAME
from conformance.suite.carried_backup import carry_backup

if TYPE_CHECKING:
    from concurrent.futures import Future

    from conformance.capabilities.app_data.backups import AppBackup
    from conformance.oci.registry import Registry
    from conformance.platform.clients import Clients
    from conformance.platform.site import Site

_NOT_RESTORED = ("helmreleases.helm.toolkit.fluxcd.io",)
"""What only Flux needs, whose repository in the other cluster has no such app."""
_WITHOUT_PROVIDER = 60.0
"""Seconds after which an app that people log in to is taken to wait for the login provider."""


@dataclass(frozen=True)
class Carried:
    """A backup that another cluster knows, which has the images of its pods, too."""

    site: Site
    """The other cluster."""
    bytes: int
    """How much was copied from one bucket into the other."""
    restore: str
    """The Restore that has begun there."""
    new: tuple[str, ...]
    """Namespaces that it brings."""


def carry(
    backup: AppBackup, here: Clients, registry: Registry, other_cluster: Future[Site]
) -> Carried:
    """Bring a backup and the images of its pods, from ``registry``, into another cluster.

    It waits for the cluster to start, and until Velero there knows the backup and is told to
    restore it. Raises ``WaitTimeout``, or what the start of the cluster raised.
    """
    site = other_cluster.result()
    bring_images(backup.pods, registry, site)
    copied = carry_backup(here, site.stack.clients, backup.name, backup.namespaces)
    new = [one for one in backup.namespaces if site.kube.find("v1", "Namespace", one) is None]
    site.stack.clients.velero().restore(backup.name, backup.name, excluded=_NOT_RESTORED)
    return Carried(site, copied, backup.name, tuple(new))


def bring_images(pods: Iterable[Object], here: Registry, site: Site) -> None:
    """Copy the images of pods that the registry ``here`` has to the one of the other cluster."""
    images = {
        full_name(one["image"])
        for pod in pods
        for one in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"])
    }
    for image in sorted(images):
        if here.exists(image) and not site.registry.exists(image):
            here.copy_to(site.registry, image)


@contextmanager
def restored(carried: Carried) -> Iterator[Object]:
    """Yields the Restore of a carried backup, ended; takes what came by it away again."""
    kube, name = carried.site.kube, carried.restore
    try:
        yield carried.site.stack.clients.velero().finished("Restore", name)
    finally:
        for item in everything(kube, labels=f"{RESTORE_NAME}={name}"):
            kube.delete(*ref_of(item))
        for namespace in carried.new:
            kube.delete("v1", "Namespace", namespace)


def data_at(site: Site, data: AppData) -> AppData:
    """Return the same data, to be looked for in the other cluster."""
    delivery, http = data.app.delivery, site.stack.http()
    branch = TrackedBranch(
        site.kube, site.stack.git, site.stack.clients.flux(), site.stack.clients.platform.apps
    )
    there = Delivery(branch, delivery.placement, delivery.name, delivery.limit)
    app = RunningApp(there, data.app.description, http, data.app.domain)
    return AppData(app, data.own.of(app, http), replace(data.sentinels, kube=site.kube))


def wait_ready_at(site: Site, data: AppData) -> None:
    """Return when the app runs in the other cluster; if it needs the login provider, with that.

    Raises ``WaitTimeout``.
    """
    delivery = data.app.delivery
    try:
        delivery.wait_ready(_WITHOUT_PROVIDER if delivery.placement.needs_login else None)
    except WaitFailed:
        if not delivery.placement.needs_login:
            raise
        site.stack.single_sign_on()
        delivery.wait_ready()

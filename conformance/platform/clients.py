"""Typed clients of the parts of one platform, made of its description."""

from __future__ import annotations

from conformance.kube.client import Kube
from conformance.kube.objects import Ref, Selection
from conformance.platform import description
from conformance.platform.description import Platform
from conformance.platform.namespaces import RUN_LABEL
from conformance.services.flux import Flux
from conformance.services.hydra import Hydra
from conformance.services.in_cluster import InClusterService
from conformance.services.kratos import Kratos
from conformance.services.mail import Courier, MailCatcher, Mails
from conformance.services.object_store import ObjectStore
from conformance.services.velero import Velero


class Clients:
    """What the suite asks of the platform on one cluster, by the platform's own names."""

    def __init__(self, kube: Kube, platform: Platform, run_id: str) -> None:
        self.kube = kube
        self.platform = platform
        self.run_id = run_id
        """What they make for the suite says so with it."""

    def flux(self) -> Flux:
        """Return the client of Flux's objects."""
        flux = self.platform.flux
        return Flux(self.kube, flux.namespace, flux.source, flux.root)

    def kratos(self) -> Kratos:
        """Return the users of the platform."""
        return Kratos(self.service(self.platform.single_sign_on.kratos.admin), self._marks)

    def hydra(self) -> Hydra:
        """Return the OpenID Connect provider, as its administrator sees it."""
        hydra = self.platform.single_sign_on.hydra
        return Hydra(self.service(hydra.admin), pods_of(hydra.workload))

    def mail(self) -> Mails:
        """Return every mail that the platform sends."""
        login = self.platform.single_sign_on
        if login.mail:
            return MailCatcher(self.service(login.mail))
        return Courier(self.service(login.kratos.admin))

    def velero(self) -> Velero:
        """Return the client of Velero's objects."""
        backup = self.platform.backup
        server = Selection("v1", "Pod", backup.namespace, backup.server)
        store = self.object_store(backup.store) if backup.store else None
        return Velero(self.kube, backup.namespace, backup.location, server, self._marks, store)

    def object_store(self, store: description.ObjectStore) -> ObjectStore:
        """Return the bucket that a description says is behind the backup location."""
        credentials = Ref("v1", "Secret", store.credentials.name, store.credentials.namespace)
        return ObjectStore(self.service(store.service), credentials, store.bucket, store.prefix)

    def node_agent(self) -> Selection:
        """Return Velero's pods that copy volumes."""
        backup = self.platform.backup
        return Selection("v1", "Pod", backup.namespace, backup.node_agent)

    @property
    def _marks(self) -> dict[str, str]:
        return {RUN_LABEL: self.run_id}

    def service(self, which: description.Service) -> InClusterService:
        """Return a Service of the platform, to be asked."""
        return InClusterService(self.kube, which.namespace, which.name, which.port)


def pods_of(workload: description.Workload) -> Selection:
    """Return the pods of a part of the platform."""
    return Selection("v1", "Pod", workload.namespace, workload.labels)

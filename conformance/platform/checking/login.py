"""Whether what a description says of single sign-on holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.kube.objects import Object
from conformance.platform.checking.wrong import CORRECT, Compared, Wrong
from conformance.platform.discovery.cluster import labels_of
from conformance.platform.discovery.login import MAILPIT, MAILPIT_PORT, NAME
from conformance.platform.discovery.ory import HYDRA, KRATOS, Software, instance_of
from conformance.platform.discovery.pages import pages_of
from conformance.platform.discovery.pods import images_of
from conformance.platform.discovery.web import BROKEN, Answer

SSO = "single_sign_on"
_NOT_FOUND = 404


def pages(compared: Compared) -> Iterator[Wrong]:
    """Yield what is wrong with the addresses of issuer, dashboard and login pages."""
    login = compared.platform.single_sign_on
    issuer = (SSO, "issuer")
    answer = compared.web.document(login.issuer)
    if answer.document is None:
        yield Wrong(issuer, answer.problem, answer.fix)
    elif (said := answer.document.get("issuer")) != login.issuer:
        message = f"the discovery document of {login.issuer} says that the issuer is {said}"
        yield Wrong(issuer, message, f"Write {said}, to the last slash.")
    dashboard = (SSO, "dashboard")
    page = compared.web.get(login.dashboard)
    if isinstance(page, Answer):
        yield Wrong(dashboard, page.problem, page.fix)
    elif (status := page[0].status_code) == _NOT_FOUND or status >= BROKEN:
        fix = "It does not run, or fails: look at its pods and their logs."
        message = f"{login.dashboard} answers {status}"
        yield compared.wrong(dashboard, message, otherwise=fix if status >= BROKEN else CORRECT)
    for name, (address, how) in pages_of(compared.cluster).items():
        if (written := login.page(name)).rstrip("/") != address.rstrip("/"):
            message = f"{how} is {address}, not {written}"
            yield Wrong((SSO, "pages", name), message, f"Write {address}.")


def services(compared: Compared) -> Iterator[Wrong]:
    """Yield what is wrong with Kratos, Hydra, what they need and where mail ends."""
    login = compared.platform.single_sign_on
    kratos, hydra = (SSO, "kratos"), (SSO, "hydra")
    for where, which, software, api in (
        ((*kratos, "admin"), login.kratos.admin, KRATOS, "admin"),
        ((*hydra, "admin"), login.hydra.admin, HYDRA, "admin"),
        ((*hydra, "public"), login.hydra.public, HYDRA, "public"),
    ):
        yield from compared.service(where, which, _leads_to(compared, software, api))
    for where, workload, software in (
        ((*kratos, "workload"), login.kratos.workload, KRATOS),
        ((*hydra, "workload"), login.hydra.workload, HYDRA),
    ):
        yield from compared.workload(where, workload, _runs(compared, software))
    for name, workload in login.needs.items():
        yield from compared.workload((SSO, "needs", name), workload)
    known = {labels_of(pod).get(NAME, "") for pod in compared.cluster.pods()} - {""}
    for index, name in enumerate(login.administrators):
        if name not in known:
            label = f"{NAME}={name}"
            message, fix = f"no pod has the label {label}", compared.start_or_correct(label)
            yield compared.wrong((SSO, "administrators", index), message, known, otherwise=fix)
    if login.mail is not None:
        yield from compared.service((SSO, "mail"), login.mail, _is_mailpit)


def _leads_to(
    compared: Compared, software: Software, api: str
) -> Callable[[Object, int | None], str]:
    def leads(pod: Object, port: int | None) -> str:
        instance = instance_of(compared.cluster, software)
        wanted = getattr(instance, api, getattr(software, api))
        if problem := _runs(compared, software)(pod):
            return problem
        return "" if port == wanted else f"port {port}; the {api} API is at port {wanted}"

    return leads


def _runs(compared: Compared, software: Software) -> Callable[[Object], str]:
    def runs(pod: Object) -> str:
        instance = instance_of(compared.cluster, software)
        same = instance is not None and images_of(instance.pod) == images_of(pod)
        return "" if same else f"pods that are not {software.name.title()}"

    return runs


def _is_mailpit(pod: Object, port: int | None) -> str:
    if MAILPIT not in images_of(pod):
        return "pods that run no Mailpit, the one mail catcher that the suite reads"
    return "" if port == MAILPIT_PORT else f"port {port}; Mailpit's API is at {MAILPIT_PORT}"

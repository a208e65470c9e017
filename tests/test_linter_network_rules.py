"""Rules about Services and Ingresses, on hand-made objects."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import write_chart
from linter_workloads import (
    INGRESS,
    SERVICE,
    bare,
    check,
    container,
    deployment,
    flux,
    ingress,
    load,
    messages,
    named,
    plain,
    reasons,
)

from conformance.linter.lint import lint


def test_a_service_without_selector_or_with_a_name_elsewhere_selects_nothing_rightly():
    one, other = load(SERVICE), load(SERVICE)
    del one["spec"]["selector"]
    other["spec"] = {"type": "ExternalName", "externalName": "mail.example.org"}

    assert messages(plain(one)) == []
    assert messages(plain(other)) == []


def test_pods_of_hooks_and_jobs_are_not_behind_a_service():
    app = plain(deployment(kind="Job"), load(SERVICE))

    assert len(check(app, "network.service-selector")) == 1


def test_an_operator_may_make_the_pods():
    cluster = named("Cluster", "db", apiVersion="postgresql.cnpg.io/v1")
    app = plain(cluster, load(SERVICE))

    assert check(app, "network.service-selector") == []
    unknown = reasons(app, "network.service-selector")
    assert unknown == ["an operator may create pods from Cluster db"]


def test_a_service_of_a_chart_that_is_elsewhere_may_select_its_pods():
    app = plain(load(SERVICE), load(INGRESS), missing=["elsewhere"])

    assert messages(app) == []


def test_a_port_name_of_another_protocol_is_another_port():
    ports = [{"name": "http", "containerPort": 8080, "protocol": "UDP"}]
    app = plain(deployment(container(ports=ports)), load(SERVICE))

    assert len(check(app, "network.service-port")) == 1


def test_an_ingress_may_use_the_services_number_and_a_name_elsewhere():
    ingress, away = load(INGRESS), load(SERVICE)
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    backend["port"] = {"number": 80}
    assert messages(plain(deployment(), load(SERVICE), ingress)) == []

    away["spec"] = {"type": "ExternalName", "externalName": "mail.example.org"}
    assert messages(plain(away, ingress)) == []


def test_a_default_backend_must_be_there_too():
    ingress = load(INGRESS)
    ingress["spec"]["defaultBackend"] = {"service": {"name": "note", "port": {"number": 80}}}
    app = plain(deployment(), load(SERVICE), ingress)

    assert [one.message for one in check(app, "network.backend")] == [
        'Ingress notes leads to Service "note", which is not there; did you mean notes?'
    ]


def test_a_port_that_the_service_has_not_is_told_beside_those_that_it_has():
    ingress, service = load(INGRESS), load(SERVICE)
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    backend["port"] = {"number": 8080}
    service["spec"]["ports"] = [{"port": 80}, {"port": 81, "name": "more"}]

    [problem] = check(plain(deployment(), service, ingress), "network.backend")
    assert problem.message == (
        "Ingress notes leads to port 8080 of Service notes, which has 80, 81 (more)"
    )


def test_a_fixed_host_name_in_a_variable_is_told_there():
    variables = named("ConfigMap", "notes-variables", data={"notes_domain": "notes.example.org"})
    app = flux(variables, ingress("notes.example.org"))

    [problem] = check(app, "ingress.host")
    assert problem.message.startswith('notes_domain is "notes.example.org"')
    assert problem.place.object == "ConfigMap apps/notes-variables"


def test_a_host_name_of_a_chart_that_values_set_is_right():
    app = bare(ingress("chart-example.local"), template="host: {{ .Values.host }}")

    assert check(app, "ingress.host") == []


def test_tls_that_values_of_a_chart_add_is_right():
    value = ingress("chart-example.local")
    del value["spec"]["tls"]

    assert messages(bare(value, template="{{- with .Values.ingress.tls }}\nhost: {{ . }}")) == []
    assert len(check(bare(value, template="host: x # tls:"), "ingress.tls")) == 0
    assert len(check(bare(value, template="# tls:\nhost: x"), "ingress.tls")) == 1


def test_a_wildcard_covers_a_host_name():
    value = ingress()
    value["spec"]["tls"][0]["hosts"] = ["*.stackspin.example"]

    assert messages(flux(value)) == []


def test_a_certificate_that_is_made_needs_no_annotation():
    value = ingress()
    value["metadata"]["annotations"] = {}
    made = named("Certificate", "notes", spec={"secretName": "notes-tls"})

    assert len(check(flux(value), "ingress.certificate")) == 1
    assert check(flux(value, made), "ingress.certificate") == []
    assert check(flux(value, named("Secret", "notes-tls")), "ingress.certificate") == []


@pytest.mark.parametrize("key", ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer"])
def test_an_issuer_may_be_named_instead(key):
    value = ingress()
    value["metadata"]["annotations"] = {key: "letsencrypt"}

    assert messages(flux(value)) == []


def test_an_ingress_class_of_the_package_is_right():
    value = ingress()
    value["spec"]["ingressClassName"] = "internal"

    assert len(check(flux(value), "ingress.class")) == 1
    assert check(flux(value, named("IngressClass", "internal")), "ingress.class") == []


def test_passwords_may_be_in_another_namespace_or_in_a_map():
    secret = named("Secret", "door", "doors", stringData={"alice": "x"})
    file = ingress(auth_type="basic", auth_secret="doors/door")
    by_map = ingress(auth_type="digest", auth_secret="doors/door", auth_secret_type="auth-map")
    typo = ingress(auth_type="basic", auth_secret="doors/door", auth_secret_type="file")

    assert [one.message for one in check(flux(secret, file), "ingress.http-auth")] == [
        "Ingress notes takes the passwords from Secret door, which has no key auth"
    ]
    assert check(flux(secret, by_map), "ingress.http-auth") == []
    assert len(check(flux(secret, typo), "ingress.http-auth")) == 1


def test_what_a_chart_that_does_not_render_lacks_is_not_known(tmp_path: Path) -> None:
    other = INGRESS.replace("{name: notes", "{name: other")
    web = "".join(f"---\n{one}" for one in (SERVICE, other))
    broken = "apiVersion: apps/v1\nkind: Deployment\n  metadata: {}\n"
    chart = write_chart(tmp_path, "", web, **{"templates/pods.yaml": broken})
    [found] = lint(chart).apps
    assert not [one for one in found.findings if one.rule.id.startswith("network")]
    not_run = {rule.id for rule, reason in found.not_run if "does not render" in reason}
    assert {"network.service-selector", "network.backend", "backup.volume-listed"} <= not_run

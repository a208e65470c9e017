"""Rules about containers, pods and their rights, on hand-made objects.

What a whole package breaks is in ``fixtures/broken``; here is what is right and looks wrong, and
what no YAML of a good package would become by a small edit.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from linter_workloads import (
    INGRESS,
    SERVICE,
    bare,
    check,
    claim,
    container,
    deployment,
    flux,
    load,
    manifests,
    messages,
    named,
    plain,
    reasons,
    reference,
    with_claim,
)

from conformance.linter.app import Chart, Installation, Release, RenderFailure
from conformance.linter.findings import Place
from conformance.linter.reading.documents import Document


def test_the_whole_of_a_plain_app_is_right():
    app = flux(deployment(with_claim()), load(SERVICE), load(INGRESS), claim())

    assert messages(app) == []


@pytest.mark.parametrize(
    "image",
    [
        "example.org/notes@sha256:" + "0" * 64,
        "example.org:5000/notes:1",
        "notes:nightly-20260102",
        "notes:main-3fd09a1",
        "notes:v2",
    ],
)
def test_a_version_pins_an_image(image):
    assert check(plain(deployment(container(image=image))), "containers.image-pinned") == []


@pytest.mark.parametrize(
    "image", ["notes", "example.org:5000/notes", "notes:stable-2", "notes:php-fpm", "notes:LATEST"]
)
def test_a_name_does_not_pin_an_image(image):
    found = check(plain(deployment(container(image=image))), "containers.image-pinned")

    assert len(found) == 1


def test_images_of_init_containers_count_and_those_of_tests_do_not():
    init = deployment("initContainers: [{name: wait, image: busybox}]")
    hook = deployment(container(image="busybox"))
    hook["metadata"]["annotations"] = {"helm.sh/hook": "test"}
    migration = deployment(container(image="busybox"), "Job")
    migration["metadata"]["annotations"] = {"helm.sh/hook": "pre-install, pre-upgrade"}

    assert len(check(plain(init), "containers.image-pinned")) == 1
    assert len(check(plain(migration), "containers.image-pinned")) == 1
    assert check(plain(hook), "containers.image-pinned") == []


def test_a_limit_of_the_pod_is_one_for_each_container():
    limited = load(container(resources={}))
    found = check(plain(deployment(yaml.safe_dump(limited))), "containers.memory")
    limited["resources"] = {"limits": {"memory": "256Mi"}}

    assert len(found) == 1
    assert check(plain(deployment(yaml.safe_dump(limited))), "containers.memory") == []


def test_the_only_container_answers_for_a_port_number_that_nobody_declares():
    service = load(SERVICE)
    service["spec"]["ports"] = [{"port": 8080}]
    app = plain(deployment(container(ports=None, livenessProbe=None)), service)

    assert [one.message for one in check(app, "containers.probes")] == [
        "container notes, behind Service notes, has no livenessProbe"
    ]
    assert len(check(app, "network.port-declared")) == 1


def test_a_port_for_metrics_takes_no_readiness_probe():
    service = load(SERVICE)
    service["spec"]["ports"] = [{"name": "metrics", "port": 80, "targetPort": "http"}]
    app = plain(deployment(container(readinessProbe=None)), service)

    assert check(app, "containers.probes") == []


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_jobs_are_no_servers(kind):
    job = deployment(container(readinessProbe=None, livenessProbe=None, resources=None), kind)
    if kind == "CronJob":
        job["spec"] = {"jobTemplate": {"spec": job["spec"]}}

    assert messages(plain(job), but=["pods.job-again"]) == []


def test_a_database_without_readiness_probe_beside_the_app_is_right():
    both = load(container())
    ping = {"exec": {"command": ["mariadb-admin", "ping"]}}
    beside = load(container(name="database", readinessProbe=None, livenessProbe=ping, ports=None))
    both["containers"] += beside["containers"]
    app = plain(deployment(yaml.safe_dump(both)), load(SERVICE))

    assert messages(app) == []


def test_a_worker_without_ports_needs_no_probe():
    worker = container(ports=None, readinessProbe=None, livenessProbe=None)

    assert messages(plain(deployment(worker))) == []


def test_a_native_side_container_is_watched_like_any_other():
    beside = load(container(name="cache", livenessProbe=None))["containers"][0]
    pod = yaml.safe_dump({"initContainers": [beside | {"restartPolicy": "Always"}]})

    assert [one.message for one in check(plain(deployment(pod)), "containers.liveness")] == [
        "container cache has no livenessProbe"
    ]


def test_two_containers_of_one_name_are_refused():
    both = load(container())
    both["containers"] *= 2

    assert 'pods.names: 2 containers of the pod are named "notes"' in messages(
        plain(deployment(yaml.safe_dump(both)))
    )


@pytest.mark.parametrize("name", ["UPPER", "80", "a--b", "-a", "with_underscore"])
def test_port_names_that_kubernetes_does_not_take(name):
    ports = [{"name": name, "containerPort": 1}]

    assert len(check(plain(deployment(container(ports=ports))), "pods.names")) == 1


@pytest.mark.parametrize(
    "maker",
    [
        named("Secret", "notes-secrets", stringData={"key": "x"}),
        named("Secret", "notes-secrets", namespace="", data={"key": "eA=="}),
        named("StringSecret", "notes-secrets", spec={"fields": [{"fieldName": "key"}]}),
        named("OAuth2Client", "notes", spec={"secretName": "notes-secrets"}),
        named(
            "ExternalSecret",
            "notes",
            spec={"target": {"name": "notes-secrets"}, "data": [{"secretKey": "key"}]},
        ),
        named("SealedSecret", "notes-secrets", spec={"encryptedData": {"key": "AgB"}}),
        named("Cluster", "notes", apiVersion="postgresql.cnpg.io/v1"),
    ],
    ids=lambda one: one["kind"],
)
def test_many_kinds_make_secrets(maker):
    app = flux(reference(), maker)

    assert messages(app) == []


def test_a_certificate_has_the_keys_of_one():
    app = flux(reference(), named("Certificate", "notes", spec={"secretName": "notes-secrets"}))

    assert messages(app) == [
        'pods.reference-keys: container notes reads key "key" of Secret notes-secrets, which has '
        "no such key"
    ]


def test_a_generator_fills_the_keys_that_an_annotation_names():
    secret = named("Secret", "notes-secrets")
    secret["metadata"]["annotations"] = {
        "secret-generator.v1.mittwald.de/autogenerate": "password, key"
    }

    assert messages(flux(reference(), secret)) == []


def test_what_is_optional_may_be_missing():
    assert messages(flux(reference(optional=True))) == []


@pytest.mark.parametrize("name", ["kube-root-ca.crt", "stackspin-ca", "stackspin-brand"])
def test_what_the_platform_has_is_there(name):
    assert messages(flux(reference("ConfigMap", name))) == []


def test_a_name_of_the_app_is_not_the_platforms():
    found = check(flux(reference(name="stackspin-notes-mail")), "pods.references")

    assert [one.message for one in found] == [
        'container notes needs Secret "stackspin-notes-mail", which nothing creates'
    ]


def test_the_same_name_of_another_kind_or_namespace_does_not_count():
    app = flux(reference(), named("ConfigMap", "notes-secrets"))
    other = flux(reference(), named("Secret", "notes-secrets", "flux-system"))

    assert len(check(app, "pods.references")) == 1
    [problem] = check(other, "pods.references")
    assert problem.message.endswith(": one is in namespace flux-system, the pod in apps")


def test_what_a_chart_that_is_elsewhere_may_make_is_not_judged():
    app = flux(reference(), missing=["chart notes is elsewhere"])

    assert check(app, "pods.references") == []
    assert reasons(app, "pods.references")[0] == "chart notes is elsewhere"


def test_where_no_kustomization_is_known_other_folders_may_have_it():
    app = plain(reference())

    assert check(app, "pods.references") == []
    assert reasons(app, "pods.references") == ["nothing in PATH creates Secret notes-secrets"]


def test_a_likely_mistake_is_told_even_then():
    app = plain(reference(), named("Secret", "notes-secret", stringData={"key": "x"}))

    [problem] = check(app, "pods.references")
    assert problem.message.endswith("did you mean notes-secret?")


@pytest.mark.parametrize(
    "app",
    [
        bare(reference(), values={"existingSecret": "notes-secrets"}),
        bare(reference(), values={"secret": {"name": "{{ .Release.Name }}-secrets"}}),
        bare(reference(), README_md="Make a Secret `notes-secrets` first."),
        bare(reference(), values_yaml="existingSecret: notes-secrets"),
    ],
    ids=["values", "template in values", "readme", "default values"],
)
def test_a_chart_may_be_given_a_secret(app):
    assert messages(app) == []


def test_a_chart_that_names_a_secret_by_itself_makes_it():
    app = bare(
        reference(), README_md="Make a Secret my-notes-secrets first.", values={"x": "{{ y }}-no"}
    )

    assert len(check(app, "pods.references")) == 1


def test_a_secret_that_a_job_is_told_to_make_is_there():
    job = deployment(container(args=["create", "secret", "--name=notes-secrets"]), "Job")

    assert messages(bare(reference(), job), but=["pods.job-again"]) == []


def test_all_ways_to_refer_to_an_object_are_seen():
    pod = load(
        container(envFrom=[{"configMapRef": {"name": "one"}}, {"secretRef": {"name": "two"}}])
    )
    pod["volumes"] = [
        {"name": "a", "configMap": {"name": "three"}},
        {"name": "b", "secret": {"secretName": "four"}},
        {"name": "c", "projected": {"sources": [{"secret": {"name": "five"}}]}},
    ]
    found = check(flux(deployment(yaml.safe_dump(pod))), "pods.references")

    assert [one.message.split('"')[1] for one in found] == ["one", "two", "three", "four", "five"]


def test_the_containers_own_user_wins():
    root = container(securityContext={"runAsUser": 0, "runAsNonRoot": False})
    other = container(securityContext={"runAsUser": 5, "allowPrivilegeEscalation": False})

    assert len(check(plain(deployment(root)), "confinement.user")) == 1
    assert messages(plain(deployment(other + "\nsecurityContext: {runAsUser: 0}"))) == []


def test_an_init_container_may_be_root_and_none_may_be_privileged():
    context = {"runAsUser": 0, "runAsNonRoot": False}
    init = {"name": "chown", "image": "busybox:1.36", "securityContext": context}
    assert messages(plain(deployment(yaml.safe_dump({"initContainers": [init]})))) == []

    context["privileged"] = True
    found = messages(plain(deployment(yaml.safe_dump({"initContainers": [init]}))))
    why = "container chown is privileged: it can do everything that root can"
    assert found == [f"confinement.node: {why}"]


@pytest.mark.parametrize("add", [["CHOWN"], ["CAP_NET_BIND_SERVICE"], ["setuid"]])
def test_harmless_capabilities(add):
    context = {"capabilities": {"add": add}, "allowPrivilegeEscalation": False}

    assert messages(plain(deployment(container(securityContext=context)))) == []


def test_what_patches_may_change_is_not_judged():
    app = flux(deployment(container(livenessProbe=None)), load(SERVICE), beyond=["patches"])

    assert messages(app) == []


def test_what_post_renderers_may_change_is_not_judged():
    app = bare(deployment(container(image="notes")), template="image")
    release = Release(manifests([named("HelmRelease", "notes")])[0], app.charts[0], "", (), {})
    [one] = app.installations
    changed = replace(one, release=release, beyond=("a post-renderer that is not kustomize",))

    assert len(messages(app)) == 1
    assert messages(replace(app, releases=(release,), installations=(changed,))) == []


def test_a_chart_that_half_renders_is_not_judged_for_what_is_missing():
    app = bare(load(INGRESS))
    failure = RenderFailure(app.charts[0], "default values", "not valid YAML", Place())

    assert len(check(app, "network.backend")) == 1
    app = replace(app, failures=(failure,))
    assert reasons(app, "network.backend") == ["chart notes does not render"]


def test_releases_of_one_package_see_each_others_objects():
    app = flux(reference())
    chart = Chart("chart", {}, Document("chart/Chart.yaml", {"name": "x"}), None)
    made = manifests([named("Secret", "notes-secrets", data={"key": ""})], rendered=True)
    release = Release(manifests([named("HelmRelease", "x")])[0], chart, "", (), {})
    other = Installation("HelmRelease x", (*made, *app.written), (), {}, release)
    alone = replace(app.installations[0], release=release)

    assert len(check(replace(app, installations=(alone,)), "pods.references")) == 1
    both = replace(app, installations=(alone, other))
    assert messages(both, but=["pods.config-restart"]) == []

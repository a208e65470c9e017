"""Objects against the schemas of the pinned Kubernetes and components, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from linter_objects import DEPLOYMENT, manifest, messages

from conformance.linter.facts.kubernetes_schema import (
    deprecated,
    invalid_names,
    unserved,
    validate,
)
from conformance.linter.manifest import Manifest

RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: notes, namespace: stackspin-apps}
spec:
  interval: 5m
  chart: {spec: {chart: notes, sourceRef: {kind: GitRepository, name: stackspin}}}
  values: {anything: {goes: [1, two, null]}}
"""
CONTAINER = ("spec", "template", "spec", "containers", 0)


def changed(text: str, path: tuple[Any, ...], value: Any) -> Manifest:
    """Return an object with another value at a path."""
    content = yaml.safe_load(text)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return manifest(yaml.safe_dump(content))


@pytest.mark.parametrize("text", [DEPLOYMENT, RELEASE])
def test_a_good_object_is_good(text):
    assert messages(manifest(text)) == []
    assert invalid_names(manifest(text)) == []
    assert unserved(manifest(text)) is None
    assert deprecated(manifest(text)) is None


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("spec", "replicas"), "two", 'spec.replicas is the text "two", but must be a whole'),
        (("spec", "replicas"), 1.5, 'the number "1.5", but must be a whole number'),
        (("spec", "replicas"), 3_000_000_000, "but must be 2147483647 or less"),
        (("spec", "paused"), "yes please", "must be true or false"),
        (("spec", "strategy"), {"type": "recreate"}, '"recreate", but must be Recreate'),
        (("spec", "minReadySecond"), 5, 'did you mean "minReadySeconds"?'),
        ((*CONTAINER, "env"), {"TITLE": "Notes"}, "env is a mapping, but must be a list"),
        ((*CONTAINER, "env", 0, "value"), 8080, 'is the number "8080", but must be text'),
        ((*CONTAINER, "env", 0, "value"), True, "is the word true, but must be text"),
        ((*CONTAINER, "livenesProbe"), {}, 'did you mean "livenessProbe"?'),
        ((*CONTAINER, "resources"), ["64Mi"], "resources is a list, but must be a mapping"),
        ((*CONTAINER, "resources", "limits", "memory"), "64MB", "which is not a valid amount"),
        ((*CONTAINER, "ports", 0), None, 'is empty: nothing follows the "-"'),
        ((*CONTAINER, "ports", 0), {"name": "http"}, 'has no "containerPort"'),
        ((*CONTAINER, "ports", 0, "protocol"), "HTTP", "but must be SCTP, TCP or UDP"),
        ((*CONTAINER, "imagePullPolicy"), "IfNotPresnt", "Always, IfNotPresent or Never"),
        (("spec", "template", "spec", "livenessProbe"), {}, "it belongs in spec.template.spec.con"),
        (("spec", "containers"), [], "it belongs in spec.template.spec"),
        (("spec", "template", "replicas"), 1, "it belongs in spec"),
        (("metadata", "anotations"), {}, 'did you mean "annotations"?'),
        (("metadata", "annotations"), {"a": 1}, "metadata.annotations.a is the number"),
        (("spec",), None, ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_plain_words(path, value, said):
    found = messages(changed(DEPLOYMENT, path, value))

    if not said:
        assert found == [], "null is as good as absent, and spec is optional"
    else:
        assert len(found) == 1
        assert said in found[0]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("spec", "interval"), "5 min", "be a duration such as 30s, 5m or 1h30m"),
        (("spec", "values", "more"), {"a": []}, ""),
        (("spec", "chartRef"), {"kind": "HelmChart", "name": "x"}, "has both chart and chartRef"),
        (("spec", "chart"), None, "has neither chart nor chartRef"),
        (("spec", "intervall"), "5m", 'did you mean "interval"?'),
        (("spec", "valuesFrom"), [{"kind": "Configmap", "name": "x"}], "Secret or ConfigMap"),
        (("spec", "valuesFrom"), [{"kind": "Secret"}], 'spec.valuesFrom[0] has no "name"'),
        (("spec", "targetNamespace"), "", "has 0 characters, but needs at least 1"),
        (("spec", "install"), {"remediation": {"retrys": 3}}, 'did you mean "retries"?'),
        (("status",), {"whatever": 1}, ""),
        (("metadata", "namespaces"), "x", 'did you mean "namespace"?'),
    ],
)
def test_custom_resources_are_judged_by_their_definitions(path, value, said):
    found = messages(changed(RELEASE, path, value))

    assert found == [] if not said else any(said in message for message in found)


def test_a_fix_says_what_to_write():
    number = validate(changed(DEPLOYMENT, (*CONTAINER, "env", 0, "value"), 8080))[0]
    amount = validate(changed(DEPLOYMENT, (*CONTAINER, "resources", "limits", "memory"), "64mb"))[0]
    listed = validate(changed(DEPLOYMENT, (*CONTAINER, "command"), "notes"))[0]

    assert number.fix == 'Put it in quotes: "8080".'
    assert amount.fix == "Write 64Mi."
    assert listed.message.endswith("must be a list")


def test_the_line_is_that_of_the_value():
    found = manifest(DEPLOYMENT.replace("8080", "http"))

    assert found.place(*validate(found)[0].path).line == 12


def test_values_of_a_secret_do_not_appear():
    secret = """
        apiVersion: v1
        kind: Secret
        metadata: {name: notes}
        data: {motd: "hunter2!"}
        stringData: {motd: 1234567}
    """
    found = validate(manifest(secret))

    assert len(found) == 2
    assert not [one for one in found if "hunter2" in repr(one) or "1234567" in repr(one)]


def test_what_upstream_knows_beside_the_reference_implementation_is_no_error():
    client = """
        apiVersion: hydra.ory.sh/v1alpha1
        kind: OAuth2Client
        metadata: {name: notes}
        spec:
          grantTypes: [authorization_code]
          secretName: notes
          hydraAdmin: {url: "http://hydra-admin", port: 4445}
          deletionPolicy: Orphan
    """
    strings = """
        apiVersion: secretgenerator.mittwald.de/v1alpha1
        kind: StringSecret
        metadata: {name: notes}
        spec:
          fields: [{fieldName: a}]
          templates: [{fieldName: b, template: "{{ .a }}"}]
    """
    keys = "{apiVersion: secretgenerator.mittwald.de/v1alpha1, kind: SSHKeyPair, spec: {a: 1}}"
    assert (
        messages(manifest(client)) == messages(manifest(strings)) == messages(manifest(keys)) == []
    )


@pytest.mark.parametrize("key", ["readinessProbe", "livenessProbe", "startupProbe", "lifecycle"])
def test_an_init_container_that_ends_is_not_probed(key):
    acts = {key: {"exec": {"command": ["true"]}}}
    if key == "lifecycle":
        acts = {key: {"preStop": acts[key]}}
    wait = {"name": "wait", "image": "notes:1", **acts}
    pod = {"containers": [{"name": "notes", "image": "notes:1"}], "initContainers": [wait]}
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "notes"}, "spec": pod}

    [found] = messages(manifest(yaml.safe_dump(value)))
    wait["restartPolicy"] = "Always"

    assert f"initContainers[0].{key} is for containers that run on" in found
    assert messages(manifest(yaml.safe_dump(value))) == []


@pytest.mark.parametrize(
    ("schedule", "right"),
    [
        ("*/5 * * * *", True),
        ("@hourly", True),
        ("@every 1h30m", True),
        ("*/5 * * *", False),
        ("0 */5 * * * *", False),
        ("hourly", False),
    ],
)
def test_a_cron_job_has_a_schedule_of_five_fields(schedule, right):
    job = f"""
        apiVersion: batch/v1
        kind: CronJob
        metadata: {{name: notes}}
        spec:
          schedule: "{schedule}"
          jobTemplate:
            spec:
              template:
                spec: {{restartPolicy: Never, containers: [{{name: notes, image: "notes:1"}}]}}
    """

    found = messages(manifest(job))

    assert [one for one in found if "5 fields" not in one] == []
    assert (found == []) is right


@pytest.mark.parametrize(
    ("api", "kind", "said", "fix"),
    [
        ("apps/v1", "Deploymnet", 'did you mean "Deployment"?', "Write kind: Deployment."),
        ("v1", "Deployment", 'no kind "Deployment" in "v1"', "Write apiVersion: apps/v1."),
        ("app/v1", "Deployment", 'no API group "app"', "Write apiVersion: apps/v1."),
        ("network.k8s.io/v1", "Ingress", "no API group", "Write apiVersion: networking.k8s.io/v1."),
        ("velero.io/v1", "Backups", 'did you mean "Backup"?', "Write kind: Backup."),
        ("v1", "Thing", 'no kind "Thing" in "v1"', "Correct apiVersion or kind."),
        ("nowhere/v1", "Thing", 'no API group "nowhere"', "Correct apiVersion."),
        ("cert-manager.io/v1", "Certificate", "", ""),
        ("traefik.io/v1alpha1", "Middleware", "", ""),
        ("monitoring.coreos.com/v1", "ServiceMonitor", "", ""),
        ("snapshot.storage.k8s.io/v1", "VolumeSnapshot", "", ""),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", "", ""),
        ("networking.istio.io/v1", "Ingress", "", ""),
        ("image.toolkit.fluxcd.io/v1", "ImagePolicy", "", ""),
    ],
)
def test_kinds_that_do_not_exist_are_told_from_those_that_are_not_known(api, kind, said, fix):
    found = validate(manifest(f"{{apiVersion: {api}, kind: {kind}, spec: {{a: 1}}}}"))

    assert [one.fix for one in found] == ([fix] if fix else [])
    assert not said or said in found[0].message


def test_the_metadata_of_an_unknown_kind_is_judged():
    issuer = "{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: x, lables: {}}}"

    assert 'did you mean "labels"?' in messages(manifest(issuer))[0]


def test_a_job_says_when_its_pods_are_started_again():
    job = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: notes}
        spec: {template: {spec: {containers: [{name: notes, image: "notes:1"}]}}}
    """
    ends = job.replace("{containers", "{restartPolicy: Never, containers")

    assert "must be Never or OnFailure" in messages(manifest(job))[0]
    assert messages(manifest(ends)) == []


@pytest.mark.parametrize(
    ("api", "kind", "said", "fix"),
    [
        ("extensions/v1beta1", "Ingress", "in Kubernetes 1.22", "networking.k8s.io/v1."),
        ("extensions/v1beta1", "Deployment", "in Kubernetes 1.16", "apps/v1."),
        ("batch/v1beta1", "CronJob", "in Kubernetes 1.25", "batch/v1."),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "Kubernetes 1.26", "autoscaling/v2."),
        ("policy/v1beta1", "PodSecurityPolicy", "without a replacement", "Remove the Pod"),
        ("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease", "in Flux 2.7", "fluxcd.io/v2."),
        ("kustomize.toolkit.fluxcd.io/v1beta1", "Kustomization", "in Flux 2.7", "fluxcd.io/v1."),
        ("source.toolkit.fluxcd.io/v1beta1", "HelmRepository", "in Flux 2.7", "fluxcd.io/v1."),
        ("velero.io/v2", "Backup", 'has no version "v2" in Velero', "velero.io/v1."),
        ("apps/v2", "Deployment", 'has no version "v2" in Kubernetes', "apps/v1."),
    ],
)  # fmt: skip
def test_a_version_that_is_gone_is_named_with_the_one_to_write(api, kind, said, fix):
    found = manifest(f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: x}}, spec: {{a: 1}}}}")

    advice = unserved(found)

    assert advice is not None
    assert said in advice.message
    assert fix in advice.fix
    assert validate(found) == [], "only that is said"


def test_a_version_that_will_go_is_served_and_judged():
    old = manifest(RELEASE.replace("fluxcd.io/v2\n", "fluxcd.io/v2beta2\n"))

    assert unserved(old) is None
    assert messages(old) == []
    assert "is deprecated" in getattr(deprecated(old), "message", "")
    assert getattr(deprecated(old), "fix", "") == "Write apiVersion: helm.toolkit.fluxcd.io/v2."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: Notes}}", 'metadata.name is "Notes"'),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a.b-c.1}}", ""),
        ("{apiVersion: v1, kind: Service, metadata: {name: a.b}}", 'metadata.name is "a.b"'),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b.c}}", "namespace is"),
        (f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {'a' * 64}}}}}", "64 characters"),
        (f"{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: {'a' * 53}}}}}", "53 char"),
        ("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: 'a:B'}}", ""),
        ("{apiVersion: v1, kind: Secret, metadata: {name: a, labels: {a/b/c: x}}}", "not a valid"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: a, labels: {a: ''}}}", ""),
        ("{apiVersion: v1, kind: Secret, metadata: {name: a, labels: {a: b/c}}}", '"b/c"'),
        ("{apiVersion: v1, kind: Secret, metadata: {name: a, annotations: {A.io/b: b/c}}}", ""),
        ("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {a: b c}}}", "b c"),
    ],
)  # fmt: skip
def test_names_and_labels(text, said):
    found = [violation.message for violation in invalid_names(manifest(text))]

    assert found == [] if not said else said in found[0]


def test_labels_of_pods_and_claims_are_names_too():
    found = invalid_names(
        changed(DEPLOYMENT, ("spec", "template", "metadata", "labels", "v"), "1+2")
    )

    assert [one.path for one in found] == [("spec", "template", "metadata", "labels", "v")]

"""Objects against the schemas of the pinned Kubernetes and components, and what is said of them."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from textwrap import dedent
from typing import Any

import kubernetes_validate
import pytest
import yaml

from conformance.common.pins import pin
from conformance.common.settings import PROJECT_ROOT
from conformance.linter import semver, write_schemas
from conformance.linter.app import AppPackage, Chart, FluxKustomization, Installation
from conformance.linter.facts import kubernetes_schema
from conformance.linter.facts.kubernetes_schema import (
    deprecated,
    invalid_names,
    kinds,
    unserved,
    validate,
)
from conformance.linter.helm.chart_parts import absent, misspelt
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import parse
from conformance.linter.rules import chart as chart_rules
from conformance.linter.rules import schema as rules
from conformance.linter.schemas.enums import ENUMS
from conformance.linter.schemas.removed import PRODUCTS, REMOVED
from conformance.linter.versions import FLUX, Versions, minor

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: notes}
spec:
  selector: {matchLabels: {app: notes}}
  template:
    metadata: {labels: {app: notes}}
    spec:
      containers:
      - name: notes
        image: notes:1
        ports: [{name: http, containerPort: 8080}]
        env: [{name: TITLE, value: Notes}]
        resources: {limits: {memory: 64Mi, cpu: 1}}
        livenessProbe: {httpGet: {path: /, port: http}}
      volumes: [{name: data, persistentVolumeClaim: {claimName: notes}}]
"""
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


def manifest(text: str, *, rendered: bool = False, file: str = "file.yaml") -> Manifest:
    document = parse(dedent(text).lstrip(), file)[0][0]
    return Manifest(document.value, file, document.line, rendered)


def changed(text: str, path: tuple[Any, ...], value: Any) -> Manifest:
    """Return an object with another value at a path."""
    content = yaml.safe_load(text)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return manifest(yaml.safe_dump(content))


def messages(found: Manifest) -> list[str]:
    return [violation.message for violation in validate(found)]


# What the data is made of.


def test_the_schemas_are_those_of_the_pinned_components():
    sources = json.loads((write_schemas.FOLDER / "sources.json").read_text())

    again = "run `python -m conformance.linter.write_schemas`"
    for name in write_schemas.MODULES:
        assert sources[name]["version"] == pin(name).version, again


def test_the_schemas_of_the_operator_are_those_of_its_chart():
    committed = json.loads(kubernetes_schema.CRDS.read_text())

    made = write_schemas.kinds_of(
        write_schemas.definitions_in(write_schemas.operator_definitions())
    )

    assert made == {group: committed[group] for group in made}
    assert set(made) == {"hydra.ory.sh", "secretgenerator.mittwald.de"}


def test_the_schemas_of_kubernetes_are_those_of_the_pinned_version():
    major, minor = kubernetes_schema.pinned()

    again = "run `python -m conformance.linter.write_schemas`"
    assert write_schemas.kubernetes_folder().name == f"v{major}.{minor}.0-local-strict"
    sources = json.loads((write_schemas.FOLDER / "sources.json").read_text())
    assert sources["kubernetes"]["version"] == f"v{major}.{minor}.0", again
    made = write_schemas.kubernetes_definitions(write_schemas.kubernetes_folder())
    assert json.loads(kubernetes_schema.KUBERNETES.read_text()) == made, again


def test_only_what_nobody_is_told_is_left_out_of_kubernetes_schemas(tmp_path: Path):
    published = {
        "type": "object",
        "description": "For people.",
        "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
        "properties": {
            "description": {"type": "string", "description": "A field of this name."},
            "ports": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "items": {"$ref": "#/$defs/Port", "description": "For people."},
            },
        },
        "additionalProperties": False,
    }
    (tmp_path / "_definitions.json").write_text(json.dumps({"$defs": {"Pod": published}}))

    assert write_schemas.kubernetes_definitions(tmp_path) == {
        "Pod": {
            "type": "object",
            "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
            "properties": {
                "description": {"type": "string"},
                "ports": {"type": "array", "items": {"$ref": "#/$defs/Port"}},
            },
            "additionalProperties": False,
        }
    }


def test_every_group_of_the_pinned_components_has_its_product_named():
    assert set(PRODUCTS) == set(json.loads(kubernetes_schema.CRDS.read_text()))


def test_nothing_that_was_removed_is_served():
    known = kinds()

    for api, its_kinds in REMOVED.items():
        group, version = api.rsplit("/", 1)
        for kind in its_kinds:
            assert version not in known.get(group, {}).get(kind, {})


def test_every_listed_word_belongs_to_a_field_that_exists():
    definitions = json.loads(kubernetes_schema.KUBERNETES.read_text())

    for name, fields in ENUMS.items():
        assert set(fields) <= set(definitions[f"io.k8s.api.{name}"]["properties"])


def test_the_schemas_say_nothing_that_is_not_understood():
    understood = {
        "$ref", "type", "format", "enum", "required", "properties", "items", "oneOf",
        "additionalProperties",
    }  # fmt: skip

    def keywords(schema: dict[str, Any]) -> set[str]:
        inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", ())]
        inner += [schema[key] for key in ("items", "additionalProperties") if schema.get(key)]
        return set(schema).union(*(keywords(one) for one in inner if isinstance(one, dict)))

    definitions = json.loads(kubernetes_schema.KUBERNETES.read_text())
    used = set().union(*(keywords(one) for one in definitions.values()))
    assert {word for word in used if not word.startswith("x-kubernetes-")} <= understood


def test_a_schema_with_an_unknown_keyword_is_not_taken_over():
    with pytest.raises(write_schemas.UnknownKeywordError, match="not at"):
        write_schemas.compact({"type": "object", "not": {"required": ["a"]}})


def test_a_field_with_a_default_is_not_required():
    made = write_schemas.compact(
        {
            "type": "object",
            "required": ["a", "b"],
            "properties": {"a": {"type": "string", "default": "x"}, "b": {"type": "string"}},
        }
    )

    assert made["required"] == ["b"]
    assert made["additionalProperties"] is False


# What is wrong with objects.


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


# API versions.


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


# Names.


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


# Agreement with others, and hostile input.


def our_objects() -> list[dict[str, Any]]:
    files = [*(PROJECT_ROOT / "fixtures" / "flux2").rglob("*.yaml")]
    files += [*(PROJECT_ROOT / "charts").glob("*/crds/*.yaml")]
    found = [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]
    return [one for one in found if ".config.k8s.io/" not in one["apiVersion"]]


def test_our_own_objects_are_good():
    for content in our_objects():
        found = Manifest(content, "file.yaml", lambda _: 0)
        assert validate(found) == [], str(found)
        assert invalid_names(found) == [], str(found)
        assert unserved(found) is None
        assert deprecated(found) is None


def taken_by_jsonschema(content: dict[str, Any]) -> bool:
    """Return the verdict of kubernetes-validate, which is jsonschema."""
    try:
        kubernetes_validate.validate(content, pin("kubernetes").version, strict=True)
    except kubernetes_validate.ValidationError:
        return False
    return True


STRICTER = ("must be", "no amount", "no base64", "is empty")
"""What is said where the published schema allows more than the API server."""


def spoilt(content: Any, dice: random.Random) -> Any:
    """Return an object with something else somewhere in it."""
    if dice.random() < 0.15 or not isinstance(content, dict | list) or not content:
        return dice.choice([7, -1.5, True, "text", "", [], {}, ["x"], {"x": "y"}, [{}]])
    if isinstance(content, list):
        index = dice.randrange(len(content))
        return [*content[:index], spoilt(content[index], dice), *content[index + 1 :]]
    key = dice.choice(list(content))
    if dice.random() < 0.1:
        return {**content, f"{key}s": content[key]}
    if dice.random() < 0.1:
        return {name: value for name, value in content.items() if name != key}
    return {**content, key: spoilt(content[key], dice)}


def test_jsonschema_has_the_same_verdict():
    dice = random.Random(6)  # noqa: S311
    kinds_of_kubernetes = ("v1", "networking.k8s.io/v1", "storage.k8s.io/v1")
    good = [one for one in our_objects() if one["apiVersion"] in kinds_of_kubernetes]
    good += [yaml.safe_load(DEPLOYMENT)] * len(good)
    refused = 0

    for _ in range(100):
        content = dice.choice(good)
        for key in list(content)[2:]:
            content = {**content, key: spoilt(content[key], dice)}
        said = messages(Manifest(content, "file.yaml", lambda _: 0))
        if not taken_by_jsonschema(content):
            refused += 1
            assert said, content
        else:
            assert all(any(word in one for word in STRICTER) for one in said), (content, said)
    assert refused > 30


def test_no_value_makes_it_fail():
    dice = random.Random(7)  # noqa: S311
    good = our_objects()
    odd: list[Any] = [None, float("inf"), 10**30, "x" * 10**6, "[/red]\x1b[31m", {1: 2}, [[[[]]]]]

    def hostile(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                dice.choice([key, "\n", "a" * 999]) if dice.random() < 0.05 else key: hostile(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [hostile(item) for item in value]
        return dice.choice(odd) if dice.random() < 0.3 else value

    for _ in range(400):
        content = hostile(dice.choice(good))
        for ours in (content, {**content, "apiVersion": dice.choice(odd)}, {"kind": content}):
            found = Manifest(ours, "file.yaml", lambda _: 0)
            said = [*validate(found), *invalid_names(found)]
            said += [one for one in (unserved(found), deprecated(found)) if one]
            assert all(len(one.message) < 1500 for one in said)
            assert len(said) < 100


def test_deep_nesting_ends():
    value: Any = {}
    for _ in range(2000):
        value = {"properties": {"a": value}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {"versions": [{"schema": {"openAPIV3Schema": value}}]},
    }

    validate(Manifest(definition, "file.yaml", lambda _: 0))


# The rules.


def app(*written: Manifest, **more: Any) -> AppPackage:
    return AppPackage("notes", ".", "", written=written, **more)


def kustomization(*members: Manifest, name: str = "notes", beyond: tuple[str, ...] = ()):
    return FluxKustomization(
        manifest(f"{{kind: Kustomization, metadata: {{name: {name}}}}}"),
        "./notes", "notes", False, (), False, members, (), beyond=beyond,
    )  # fmt: skip


CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: '1'}}"


def test_the_items_of_a_list_are_judged_one_by_one():
    text = f"apiVersion: v1\nkind: List\nitems:\n- {CONFIG}\n- {CONFIG.replace(chr(39), '')}\n"

    assert [one.place.line for one in rules.valid(app(manifest(text)))] == [5]


def test_what_a_patch_may_add_is_not_missed():
    bare = manifest(DEPLOYMENT.replace("selector", "paused: true\n  unknown"))
    patched = kustomization(bare, beyond=("kustomization.yaml has patches",))

    assert len(list(rules.valid(app(bare, kustomizations=(kustomization(bare),))))) == 2
    found = list(rules.valid(app(bare, kustomizations=(patched,))))
    assert ["unknown" in one.message for one in found] == [True]


def test_a_guess_at_a_variable_is_no_error():
    written = DEPLOYMENT.replace("8080", "${notes_http}").lstrip()
    filled = manifest(written.replace("${notes_http}", "example-notes-http"))
    typed = manifest(written.replace("${notes_http}", "text"))

    assert list(rules.valid(app(filled, texts={"file.yaml": written}))) == []
    assert len(list(rules.valid(app(typed, texts={"file.yaml": written})))) == 1


def test_the_same_object_in_two_kustomizations_is_one_unless_they_differ():
    again = manifest(CONFIG, file="again.yaml")
    other = manifest(CONFIG.replace("'1'", "'2'"), file="other.yaml")
    first = manifest(CONFIG)
    for second, expected in ((again, 0), (other, 1)):
        both = (kustomization(first), kustomization(second, name="other"))
        found = list(rules.duplicate(app(first, second, kustomizations=both)))
        assert len(found) == expected


def test_a_hook_may_have_the_name_of_another_object():
    hook = CONFIG.replace("name: a", "name: a, annotations: {helm.sh/hook: pre-install}")
    made = (manifest(CONFIG, rendered=True), manifest(hook, rendered=True))

    assert list(rules.made_once(app(installations=(Installation("x", made),)))) == []


def chart(metadata: str = "name: notes", values: str = "", **files: str) -> Chart:
    content = {
        name.replace("__", "/").replace("_yaml", ".yaml"): text.encode()
        for name, text in files.items()
    }
    documents = parse(values, "values.yaml")[0]
    return Chart(
        ".",
        {"Chart.yaml": metadata.encode(), **content},
        parse(metadata, "Chart.yaml")[0][0],
        documents[0] if documents else None,
    )


def test_names_that_whoever_installs_the_chart_chooses_are_not_misspelt():
    ranged = chart(
        values="env: {TITLE: Notes}\npersistence: {size: 1Gi}",
        templates__a_yaml="{{ range $k, $v := .Values.env }}{{ .Values.persistence.size }}",
    )

    assert list(misspelt(ranged, {"env": {"TITLES": "x"}})) == []
    assert list(misspelt(ranged, {"persistence": {"sizes": "x"}, "extra": 1, "global": {}})) == [
        (("persistence", "sizes"), "size")
    ]


def test_a_dependency_that_is_not_there_is_known():
    needs = "apiVersion: v2\nname: a\ndependencies: [{name: db, version: 1.x}, {name: web}]"
    has = {"charts__db_yaml": "", "charts__web__Chart_yaml": "name: web"}

    assert absent(chart(needs, **has), {}) == [
        "chart db, which chart a depends on, is not in the package"
    ]


@pytest.mark.parametrize(
    ("dependency", "values", "missed"),
    [
        ("condition: db.enabled", {}, False),
        ("condition: db.enabled", {"db": {"enabled": True}}, True),
        ("condition: 'none.there,db.enabled'", {}, False),
        ("condition: none.there", {}, True),
        ("tags: [data]", {"tags": {"data": False}}, False),
        ("tags: [data, web]", {"tags": {"data": False, "web": True}}, True),
        ("condition: db.enabled, tags: [data]", {"tags": {"data": True}}, False),
    ],
)
def test_a_dependency_that_is_switched_off_is_not_missed(dependency, values, missed):
    needs = f"apiVersion: v2\nname: a\ndependencies: [{{name: db, {dependency}}}]"

    found = absent(chart(needs, values="db: {enabled: false}"), values)

    assert bool(found) == missed


@pytest.mark.parametrize("metadata", ["[]", "text", "{1: 2}", "{version: [], dependencies: {}}"])
def test_chart_rules_survive_any_metadata(metadata):
    odd = app(charts=(chart(metadata, values="[1]"),))

    for check in (
        chart_rules.api_version,
        chart_rules.version,
        chart_rules.app_version,
        chart_rules.ignored_key,
        chart_rules.kube_version,
        chart_rules.dependencies,
        chart_rules.dependency_version,
        chart_rules.schema,
        chart_rules.unknown_value,
    ):
        list(check(odd))


@pytest.mark.parametrize(
    ("constraint", "allowed"),
    [
        (">=1.22.0", True), ("<1.20.0", False), (">= 1.22.0-0", True), ("^1.22.0", True),
        ("~1.36", True), ("~1.35", False), ("1.x", True), ("1.36.x", True), ("*", True),
        (">=1.20 <1.30", False), (">=1.20, <2", True), ("1.20 - 1.36", True), ("<=1.36", True),
        (">1.36", False), ("!=1.36.3", False), ("<1.20 || >1.30", True), ("^0.2", False),
        ("v1.36.3", True), (">=1.19.0-0 <1.37.0-0", True),
        ("foo", None), ("", None), (">=", None), ("1.2.3.4", None), ("1.25 or later", None),
    ],
)  # fmt: skip
def test_constraints_are_read_as_helm_does(constraint, allowed):
    version = semver.parse("v1.36.3")

    assert version is not None
    assert semver.satisfies(version, constraint) is allowed


def test_versions_are_ordered():
    words = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "v1.1", "2"]
    found = [semver.parse(word) for word in words]

    assert None not in found
    assert found == sorted(found)  # type: ignore[type-var]
    assert semver.parse("latest") is None


def test_no_file_of_ours_says_more_than_it_may():
    for file in Path(write_schemas.FOLDER).glob("*.json"):
        assert len(file.read_bytes()) < 400_000


def of_kind(api: str, kind: str) -> Manifest:
    return manifest(f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n")


@pytest.mark.parametrize(
    ("api", "kind", "flux", "gone", "old"),
    [
        ("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease", (2, 6), False, False),
        ("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease", (2, 7), True, False),
        ("helm.toolkit.fluxcd.io/v2beta2", "HelmRelease", (2, 2), False, False),
        ("helm.toolkit.fluxcd.io/v2beta2", "HelmRelease", (2, 7), False, True),
        ("helm.toolkit.fluxcd.io/v2beta2", "HelmRelease", (2, 8), True, False),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", (2, 2), True, False),
        ("source.toolkit.fluxcd.io/v1beta2", "HelmRepository", (2, 8), True, False),
        ("source.toolkit.fluxcd.io/v1", "OCIRepository", (2, 5), True, False),
        ("source.toolkit.fluxcd.io/v1beta2", "OCIRepository", (2, 5), False, False),
        ("source.toolkit.fluxcd.io/v1", "OCIRepository", (2, 8), False, False),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", (2, 9), False, False),
        ("apps/v1", "Deployment", (2, 1), False, False),
    ],
)  # fmt: skip
def test_the_api_of_another_flux(api: str, kind: str, flux: Any, gone: bool, old: bool) -> None:
    found, versions = of_kind(api, kind), Versions(flux=flux)
    assert (unserved(found, versions) is not None, deprecated(found, versions) is not None) == (
        gone,
        old,
    )


def test_the_api_of_another_kubernetes() -> None:
    budget = of_kind("policy/v1beta1", "PodDisruptionBudget")
    cron = of_kind("batch/v1", "CronJob")
    for version, gone, early in (((1, 20), False, True), ((1, 24), False, False)):
        versions = Versions(kubernetes=version)
        assert (unserved(budget, versions) is not None) is gone
        assert (unserved(cron, versions) is not None) is early
    assert unserved(budget, Versions(kubernetes=(1, 25))) is not None


def test_no_version_means_the_pinned_ones() -> None:
    for api, its_kinds in REMOVED.items():
        for kind in its_kinds:
            if kind != "*" and kinds().get(api.rpartition("/")[0], {}).get(kind):
                assert unserved(of_kind(api, kind)) is not None
    # The controllers of Flux 2.7: https://github.com/fluxcd/flux2/releases/tag/v2.7.5
    controllers = ("helm-controller", "kustomize-controller", "source-controller")
    assert [pin(one).version.rpartition(".")[0] for one in controllers] == ["v1.4", "v1.7", "v1.7"]
    assert FLUX == (2, 7)


@pytest.mark.parametrize("text", ["", "2", "two", "2.x", "2.8.1.1"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a version"):
        minor(text)
    assert minor("v2.8.1") == minor("2.8") == (2, 8)

"""What of a description does not hold on a cluster is reported with its line and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from described_clusters import FakeWeb, annex, reference

from conformance.linter.findings import Problem
from conformance.platform.checking import read_for_check, what_does_not_hold
from conformance.platform.checking.wrong import selected
from conformance.platform.description import Platform, document_of
from conformance.platform.discovery import Cluster, discover, written
from conformance.platform.discovery.cluster import labels_of, name_of
from conformance.platform.discovery.login import NAME
from conformance.platform.discovery.web import PUBLISHED, Answer, certificates_in
from conformance.platform.reference.described import FILE

ISSUER = "https://sso.stackspin.test/"
TEXT = FILE.read_text(encoding="utf-8").replace("${domain}", "stackspin.test")


def problems(
    folder: Path, text: str, cluster: Cluster | None = None, web: FakeWeb | None = None
) -> list[Problem]:
    file = folder / "platform.yaml"
    file.write_text(text, encoding="utf-8")
    document = document_of(file)
    asked: Any = web or FakeWeb(ISSUER)
    return what_does_not_hold(document, Platform.of(document), cluster or reference(), asked)


def leaves(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each text and number of a description."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        yield where
    for key, item in items:
        yield from leaves(item, (*where, key))


LEAVES = [
    where
    for where in leaves(yaml.safe_load(TEXT))
    if where[0] not in ("implementation", "features")
]


def changed(where: tuple[Any, ...], value: object) -> str:
    """Return the description with another value at a place, written over many lines."""
    read = yaml.safe_load(TEXT)
    part = read
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    return str(yaml.safe_dump(read, sort_keys=False))


def test_the_description_of_the_reference_holds(tmp_path: Path) -> None:
    assert problems(tmp_path, TEXT) == []


def test_what_discovery_writes_holds(tmp_path: Path) -> None:
    for cluster, issuer in ((reference(), ISSUER), (annex(), "https://id.login.example.com/")):
        web: Any = FakeWeb(issuer)
        text = written(discover(cluster, web), "a").replace('""', "us")
        found = problems(tmp_path, text, cluster, web)
        assert [one.message for one in found] == []


@pytest.mark.parametrize("where", LEAVES, ids=lambda where: ".".join(map(str, where)))
def test_a_wrong_value_is_reported_at_its_line(tmp_path: Path, where: tuple[Any, ...]) -> None:
    wrong: object = 9 if where[-1] == "port" else "wrong.example.org"
    if where[-1] in ("issuer", "dashboard"):
        wrong = "https://wrong.example.org"
    text = changed(where, wrong)
    web = FakeWeb(ISSUER, status=404 if where[-1] == "dashboard" else 200)
    found = problems(tmp_path, text, web=web)
    assert found
    document = document_of(tmp_path / "platform.yaml")
    assert document.line(where) in [one.place.line for one in found], found
    assert all(one.fix for one in found)


@pytest.mark.parametrize(
    ("where", "value", "message", "fix"),
    [
        (("flux", "source"), "stackspn", "no GitRepository stackspn in namespace flux-system",
         "platform discover finds stackspin."),
        (("namespaces", 0), "flux-sytem", "no namespace flux-sytem", "Did you mean flux-system?"),
        (("single_sign_on", "kratos", "admin", "port"), 81,
         "Service stackspin/kratos-admin has no port 81, but 80", "platform discover finds 80."),
        (("single_sign_on", "kratos", "admin", "name"), "hydra-admin",
         "Service stackspin/hydra-admin leads to pods that are not Kratos", "finds kratos-admin."),
        (("single_sign_on", "hydra", "admin", "name"), "hydra-public",
         "leads to port 4444; the admin API is at port 4445", "finds hydra-admin."),
        (("single_sign_on", "hydra", "workload", "labels"), "app.kubernetes.io/name=kratos",
         "selects pods that are not Hydra", "finds app.kubernetes.io/name=hydra."),
        (("single_sign_on", "hydra", "workload", "override"), "stackspin-hydra-values",
         "not the last optional ConfigMap in valuesFrom", "finds stackspin-hydra-override."),
        (("single_sign_on", "mail", "name"), "dashboard", "has no port 8025, but 80", "finds"),
        (("single_sign_on", "issuer"), "https://sso.stackspin.test",
         "says that the issuer is https://sso.stackspin.test/", "to the last slash"),
        (("single_sign_on", "pages"), {"login": "/sign-in"},
         "is https://dashboard.stackspin.test/web/login, not https://dashboard.stackspin.test/sign",
         "Write https://dashboard.stackspin.test/web/login."),
        (("storage", "retained"), "local-path",
         "the reclaimPolicy of local-path is Delete, not Retain", "finds local-path-retain."),
        (("backup", "server"), "role=node-agent", "pods that do not run velero server", "finds"),
        (("backup", "store", "bucket"), "other", "is velero, not other", "Write velero."),
        (("backup", "store", "prefix"), "other", "is '', not 'other'", "Write ''."),
        (("domain",), "example.org", "no Ingress has a host below example.org",
         "platform discover finds stackspin.test."),
        (("namespaces",), ["flux-system", "stackspin", "velero"], "lacks stackspin-apps", "Add"),
        (("flux", "root"), "notes", "", ""),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong_and_what_to_write(
    tmp_path: Path, where: tuple[Any, ...], value: object, message: str, fix: str
) -> None:
    found = problems(tmp_path, changed(where, value))
    said = [one for one in found if message in one.message and fix in one.fix]
    assert said if message else not found, found


def test_a_default_that_does_not_hold_is_reported_as_such(tmp_path: Path) -> None:
    text = TEXT.replace("{class: nginx, authority", "{authority")
    cluster = reference()
    names = [item for item in cluster.all("IngressClass") if item["metadata"]["name"] != "nginx"]
    without = Cluster({**cluster.objects, "IngressClass": names}, cluster.secret)
    [problem] = problems(tmp_path, text, without)
    assert "there is no IngressClass nginx" in problem.message
    assert "the file does not have ingress.class: this is what holds without" in problem.message


def test_an_authority_that_pods_need_is_missed(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, TEXT.replace(", authority: stackspin-ca", ""))
    assert "pods do not trust the platform's certificate by themselves" in problem.message
    assert problem.fix == "platform discover finds stackspin-ca."


@pytest.mark.parametrize(
    ("known", "trusted", "fix"),
    [
        (True, "stackspin-ca", "Write stackspin-ca: the certificate is trusted with what that"),
        (False, "stackspin-ca", "Name the ConfigMap with the authority that issued the certif"),
        (False, PUBLISHED, "Leave it empty: everybody trusts the certificate."),
    ],
)
def test_an_authority_that_did_not_issue_the_certificate_is_reported(
    tmp_path: Path, known: bool, trusted: str, fix: str
) -> None:
    cluster = reference()
    [*_, root] = [one for one in cluster.all("ConfigMap") if name_of(one) == "kube-root-ca.crt"]
    root["metadata"]["namespace"] = "stackspin-apps"
    right = cluster.find("ConfigMap", "stackspin-ca", "stackspin-apps")

    class OneAuthority(FakeWeb):
        def is_issued_by(self, _url: str, certificates: str) -> bool | None:
            return bool(known and right and certificates == certificates_in(right))

    text = TEXT.replace("authority: stackspin-ca", "authority: kube-root-ca.crt")
    web = OneAuthority(ISSUER, trusted=trusted)
    [problem] = problems(tmp_path, text, cluster, web)
    called = "ConfigMap kube-root-ca.crt in namespace stackspin-apps"
    assert problem.message == (
        f"the certificate of {ISSUER} is not trusted with what {called} holds"
    )
    assert problem.fix.startswith(fix)


def test_an_authority_without_certificates_is_reported(tmp_path: Path) -> None:
    cluster = reference()
    right = cluster.find("ConfigMap", "stackspin-ca", "stackspin-apps")
    assert right
    right["data"] = {"ca.crt": "none"}
    [problem] = problems(tmp_path, TEXT, cluster)
    called = "ConfigMap stackspin-ca in namespace stackspin-apps"
    assert problem.message == f"{called} holds no certificates"


def test_pages_that_do_not_answer_are_reported(tmp_path: Path) -> None:
    issuer, dashboard, feature = problems(tmp_path, TEXT, web=FakeWeb(status=503))
    assert (issuer.message, issuer.fix) == (f"{ISSUER} does not answer", "See to it.")
    assert dashboard.message == "https://dashboard.stackspin.test answers 503"
    assert dashboard.fix == "It does not run, or fails: look at its pods and their logs."
    page = "the dashboard's page /web/logged-out answers 503"
    assert feature.message == f"reference_dashboard is claimed, but {page}"


def test_a_dashboard_that_nothing_answers_for_is_not_called_another(tmp_path: Path) -> None:
    class Nobody(FakeWeb):
        def get(self, url: str) -> Answer:
            return Answer(problem=f"{url} does not answer", fix="See to it.")

    _, feature = problems(tmp_path, TEXT, web=Nobody(ISSUER))
    page = "https://dashboard.stackspin.test/web/logged-out does not answer"
    assert feature.message == f"reference_dashboard is claimed, but its page cannot be read: {page}"


def test_what_is_scaled_to_nothing_is_to_be_started_not_corrected(tmp_path: Path) -> None:
    cluster = reference()
    for item in cluster.all("Deployment"):
        labels = item["spec"]["selector"]["matchLabels"]
        item["spec"]["template"] = {"metadata": {"labels": {**labels, "release": "a"}}}
    names = ("dashboard", "hydra", "kratos")
    pods = [pod for pod in cluster.pods() if labels_of(pod).get(NAME) not in names]
    without = Cluster({**cluster.objects, "Pod": pods}, cluster.secret)
    found = problems(tmp_path, TEXT, without)
    see = "kubectl --namespace=stackspin describe deployment/hydra says why it has no pod."
    started = [one.message for one in found if one.fix == f"Start Deployment hydra: {see}"]
    assert started == [
        "Service stackspin/hydra-admin leads to no pod",
        "Service stackspin/hydra-public leads to no pod",
        "no pod of namespace stackspin has the labels app.kubernetes.io/name=hydra",
    ]
    assert "no pod has the label app.kubernetes.io/name=dashboard" in [
        one.message for one in found if one.fix.startswith("Start Deployment dashboard: ")
    ]
    assert [one.message for one in found if one.fix == "Correct it."] == []
    assert [one.message for one in found if "is claimed, but" in one.message] == [
        "second_factor is claimed, but no pod is seen to be Kratos, whose settings say so",
        "reference_dashboard is claimed, but the dashboard was not found",
    ]


def test_a_feature_that_is_claimed_and_not_seen_is_reported(tmp_path: Path) -> None:
    cluster = reference()
    for item in cluster.all("ConfigMap"):
        for name, text in item["data"].items():
            item["data"][name] = text.replace("stackspin.test\n      enabled: true", "a")
    [problem] = problems(tmp_path, TEXT, cluster)
    why = "Kratos' settings do not say selfservice.methods.totp.enabled: true"
    assert problem.message == f"second_factor is claimed, but {why}"
    assert problem.place.line == len(TEXT.splitlines())


@pytest.mark.parametrize("version", ['""', "2.0"])
def test_a_file_that_nobody_signed_rightly_is_compared_all_the_same(
    tmp_path: Path, version: str
) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text(TEXT.replace('"1"', version))
    document, platform, wrong = read_for_check(file)
    assert platform.domain == "stackspin.test"
    assert [one.message.partition(" ")[0] for one in wrong] == ["implementation.version"]
    assert what_does_not_hold(document, platform, reference(), FakeWeb(ISSUER)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("a=1", "xy"), ("a==1,b=2", "x"), ("a!=1", "z"), ("b", "x"), ("!b", "yz"),
        ("a in (1, 3)", "xyz"), ("a notin (1)", "z"), ("a=1,b notin (2)", "y"),
        ("c.d/e=f", ""), ("a=2", ""),
    ],
)  # fmt: skip
def test_selectors_are_those_of_kubectl(selector: str, names: str) -> None:
    labels = {"x": {"a": "1", "b": "2"}, "y": {"a": "1"}, "z": {"a": "3"}}
    pods = [{"metadata": {"name": name, "labels": each}} for name, each in labels.items()]
    assert "".join(pod["metadata"]["name"] for pod in selected(pods, selector)) == names


def test_every_line_of_the_reference_is_checked_by_a_line_of_it() -> None:
    assert len(LEAVES) > 50
    assert not re.search(r"\$\{", TEXT)

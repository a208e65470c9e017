"""The command: a cluster is read over its API, a platform is asked over https, files are kept."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from described_clusters import FOLDER, REFERENCE_SECRETS, FakeWeb, annex, reference
from https_server import https_server
from kube_wire import Handler, WireServer

from conformance.cli import platform as command
from conformance.common.errors import HarnessError
from conformance.common.pki import CertificateAuthority
from conformance.kube.client import Kube
from conformance.platform.discovery import Web, discover, read_cluster, web_of, written
from conformance.platform.discovery import web as web_module
from conformance.platform.discovery.cluster import KINDS
from conformance.platform.discovery.web import (
    PUBLISHED,
    Answer,
    addresses_of,
    are_certificates,
    authorities_of,
)
from conformance.platform.reference.described import FILE

ISSUER = "https://sso.stackspin.test/"
_PLURALS = {
    kind: "storageclasses" if kind == "StorageClass" else f"{kind.lower()}s" for kind in KINDS
} | {"Ingress": "ingresses", "IngressClass": "ingressclasses", "GitRepository": "gitrepositories"}
_SERVED = {"source.toolkit.fluxcd.io": "v1", "kustomize.toolkit.fluxcd.io": "v1",
           "helm.toolkit.fluxcd.io": "v2beta2", "velero.io": "v1"}  # fmt: skip


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[WireServer]:
    """The recorded reference platform, as its API server answers."""
    recorded = json.loads((FOLDER / "reference.json").read_text())
    server = WireServer()
    server.kinds = {}
    for kind, version in KINDS.items():
        served = f"{version}/{_SERVED[version]}" if version in _SERVED else version
        server.kinds.setdefault(served, []).append((_PLURALS[kind], kind, True))
        server.objects[_PLURALS[kind]] = [one for one in recorded if one["kind"] == kind]
    server.kinds["v1"].append(("secrets", "Secret", True))
    server.intercept = _secret
    server.kubeconfig(tmp_path)
    yield server
    server.close()


def _secret(handler: Handler) -> bool:
    parts = handler.where.split("/")
    if parts[-2] != "secrets":
        return False
    texts = REFERENCE_SECRETS.get(f"{parts[-3]}/{parts[-1]}")
    if texts is None:
        return False
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    handler.answer({"metadata": {"name": parts[-1]}, "data": data})
    return True


def _forbidding(handler: Handler) -> bool:
    if handler.where.endswith("/ingresses"):
        handler.fail(403, "Forbidden", "user a cannot list ingresses")
        return True
    return _secret(handler)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> FakeWeb:
    """What the platform answers in place of one that listens."""
    fake = FakeWeb(ISSUER)
    monkeypatch.setattr(command, "web_of", lambda *_: fake)
    return fake


def test_a_cluster_is_read_over_its_api(cluster: WireServer, tmp_path: Path) -> None:
    kube = Kube(tmp_path / "kubeconfig")
    found = read_cluster(kube)
    kube.close()
    assert found.objects == reference_with(("HelmRelease", "helm.toolkit.fluxcd.io/v2beta2"))
    assert found.secret("velero", "object-store") == {"access_key": "a", "secret_key": "b"}
    assert found.secret("velero", "none-such") == {}
    assert {method for method, _ in cluster.requests} == {"GET"}
    found.refuse_unread("a cluster")


def reference_with(*versions: tuple[str, str]) -> dict[str, list[dict[str, object]]]:
    known = dict(versions)
    return {
        kind: [{**item, "apiVersion": known.get(kind, item["apiVersion"])} for item in items]
        for kind, items in reference().objects.items()
    }


def test_what_may_not_be_listed_is_noted(cluster: WireServer, tmp_path: Path) -> None:
    cluster.intercept = _forbidding
    kube = Kube(tmp_path / "kubeconfig")
    found = read_cluster(kube)
    kube.close()
    assert found.all("Ingress") == []
    unread = "what is on a cluster cannot be read\n  Ingress: .*user a cannot list ingresses"
    with pytest.raises(HarnessError, match=unread):
        found.refuse_unread("a cluster")


def test_a_cluster_without_flux_and_velero_has_none(cluster: WireServer, tmp_path: Path) -> None:
    cluster.kinds = {name: kinds for name, kinds in cluster.kinds.items() if "." not in name}
    cluster.kinds["networking.k8s.io/v1"] = []
    kube = Kube(tmp_path / "kubeconfig")
    found = read_cluster(kube)
    kube.close()
    assert found.all("Kustomization") == []
    assert found.all("Pod")
    text = written(discover(found, FakeWeb()), "a")  # type: ignore[arg-type]
    assert "# The cluster serves no velero.io: its CRDs are not installed, or" in text


@pytest.mark.usefixtures("cluster")
def test_discover_writes_a_file_that_check_accepts(
    tmp_path: Path, web: FakeWeb, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig, file = tmp_path / "kubeconfig", tmp_path / "platform.yaml"
    at = ["--kubeconfig", str(kubeconfig)]
    assert command.main(["discover", *at, "--output", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"{file}: " in said
    assert "values found, 0 not found" in said
    assert "fill in implementation" in said

    assert command.main(["check", *at, str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [f"{file}, line {n}" for n in (4, 5, 6)]
    assert lines[0].endswith("implementation.organization is empty. Fill it in.")

    file.write_text(file.read_text().replace('""', "us"))
    assert command.main(["check", *at, str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: all of it holds on c\n"

    web.issuers = ()
    assert command.main(["check", *at, str(file)]) == 1
    assert "does not answer. See to it." in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"kubeconfig", "platform.yaml"}


@pytest.mark.usefixtures("cluster", "web")
def test_check_names_an_exempt_check_that_there_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "platform.yaml"
    described = FILE.read_text().replace("${domain}", "stackspin.test")
    file.write_text(f"{described}exempt:\n  dashboard.roles_decid: No.\n")
    assert command.main(["check", "--kubeconfig", str(tmp_path / "kubeconfig"), str(file)]) == 1
    line = len(file.read_text().splitlines())
    assert capsys.readouterr().out == (
        f"{file}, line {line}: there is no check dashboard.roles_decid. "
        "Did you mean dashboard.roles_decide?\n"
    )


@pytest.mark.usefixtures("web")
def test_check_compares_nothing_that_it_may_not_read(cluster: WireServer, tmp_path: Path) -> None:
    cluster.intercept = _forbidding
    file = tmp_path / "platform.yaml"
    file.write_text(FILE.read_text())
    arguments = ["check", "--kubeconfig", str(tmp_path / "kubeconfig"), str(file)]
    with pytest.raises(HarnessError, match="user a cannot list ingresses") as caught:
        command.main(arguments)
    assert "may list" in caught.value.fix


@pytest.mark.usefixtures("cluster", "web")
def test_discover_writes_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--output", "-"]
    assert command.main(["discover", *arguments]) == 0
    assert capsys.readouterr().out == written(discover(reference(), FakeWeb(ISSUER)), "c")  # type: ignore[arg-type]


def test_discover_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("mine\n")
    with pytest.raises(HarnessError, match="exists"):
        command.main(["discover", "--output", str(file)])
    assert file.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "none-such.yaml"], "none-such.yaml: the file cannot be read"),
        (["discover", "--output", "-", "--kubeconfig", "none-such"], "cannot read the kubeconfig"),
        (["discover", "--output", "-", "--ca-file", "none-such"], "none-such cannot be read"),
        (["discover", "--output", "-", "--ca-file", __file__], "has no certificates"),
        (["check"], "the following arguments are required: FILE"),
    ],
)
def test_what_cannot_be_read_is_an_error(arguments: list[str], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        command.main(arguments)


def test_addresses_are_those_of_the_ingress_then_of_the_node() -> None:
    assert addresses_of(annex()) == ["198.51.100.3", "192.0.2.7"]


def test_no_text_is_no_certificates() -> None:
    assert not are_certificates("")


def test_authorities_are_config_maps_with_certificates() -> None:
    assert list(authorities_of(reference())) == ["stackspin-ca"]
    assert authorities_of(annex()) == {}


@pytest.fixture(scope="module")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server of sso.stackspin.test: its issuer's URL, and the authority of its certificate."""

    class Discovery(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path.startswith("/.well-known/")
            if self.path == "/slow":
                released.wait(5)
            if self.path in ("/slow", "/ended"):
                return
            self.send_response(200 if known else 503 if self.path.startswith("/down/") else 404)
            self.end_headers()
            self.wfile.write(b'{"issuer": "https://sso.stackspin.test/"}' if known else b"none")

        def log_message(self, *_: object) -> None:
            pass

    released = threading.Event()
    certificate = CertificateAuthority().issue("stackspin.test")
    with https_server(Discovery, certificate, tmp_path_factory.mktemp("tls")) as port:
        yield f"https://sso.stackspin.test:{port}/", certificate.ca_certificate.decode()
        released.set()


def test_an_authority_of_the_cluster_is_enough(https: tuple[str, str]) -> None:
    url, authority = https
    other = CertificateAuthority().issue("other.test").ca_certificate.decode()
    broken = "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n"
    web = Web(["127.0.0.1"], {"broken": broken, "other-ca": other, "platform-ca": authority})
    answer = web.document(url)
    assert answer.document == {"issuer": ISSUER}
    assert answer.trusted == "platform-ca"


def test_a_given_authority_mends_a_certificate_that_is_not_trusted(https: tuple[str, str]) -> None:
    url, authority = https
    answer = Web(["127.0.0.1"]).document(url)
    assert answer.document is None
    assert answer.problem == "the certificate of sso.stackspin.test is not trusted"
    assert "--ca-file" in answer.fix
    assert Web(["127.0.0.1"], ca_file=authority).document(url).document == {"issuer": ISSUER}


def test_whose_a_certificate_is_is_told_by_the_certificate_alone(https: tuple[str, str]) -> None:
    url, authority = https
    other = CertificateAuthority().issue("stackspin.test").ca_certificate.decode()
    web = Web(["127.0.0.1"], {"platform-ca": authority}, authority)
    assert web.is_issued_by(f"{url}down", authority) is True
    assert web.is_issued_by(url, other) is False
    assert web.is_issued_by(url.replace("sso.stackspin.test", "example.org"), authority) is None


def test_a_given_authority_replaces_public_ones_alone(
    https: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    url, authority = https
    other = CertificateAuthority().issue("other.test").ca_certificate.decode()
    web = Web(["127.0.0.1"], {"platform-ca": authority}, other)
    assert web.document(url).trusted == "platform-ca"
    assert web.certificates(PUBLISHED) == ""
    with pytest.raises(SystemExit):
        command.main(["check", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "in place of public ones; those in ConfigMaps of the cluster are tried as well" in said


def test_a_certificate_for_other_names_is_refused(https: tuple[str, str]) -> None:
    url, authority = https
    elsewhere = url.replace("sso.stackspin.test", "sso.example.org")
    answer = Web(["127.0.0.1"], {"platform-ca": authority}).document(elsewhere)
    assert "the certificate of sso.example.org at 127.0.0.1 is refused" in answer.problem
    assert "hostname 'sso.example.org' doesn't match" in answer.problem


def test_an_answer_that_is_no_discovery_document_is_reported(https: tuple[str, str]) -> None:
    url, authority = https
    answer = Web(["127.0.0.1"], ca_file=authority).document(f"{url}elsewhere")
    assert "answers 404, without a discovery document" in answer.problem
    assert answer.fix == "Write the issuer as Hydra's urls.self.issuer has it."


def test_an_issuer_that_is_down_is_not_called_a_wrong_one(https: tuple[str, str]) -> None:
    url, authority = https
    answer = Web(["127.0.0.1"], ca_file=authority).document(f"{url}down")
    assert "answers 503, without a discovery document" in answer.problem
    assert answer.fix == "Hydra does not run, or fails: look at its pods and their logs."


@pytest.mark.parametrize(
    ("page", "why"), [("slow", "no answer within 0.2 s"), ("ended", "the connection broke off")]
)
def test_no_answer_is_reported_in_plain_words(
    https: tuple[str, str], page: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority = https
    monkeypatch.setattr(web_module, "_ANSWER_SECONDS", 0.2)
    answer = Web(["127.0.0.1"], ca_file=authority).get(f"{url}{page}")
    assert isinstance(answer, Answer)
    assert answer.problem == f"{url}{page} does not answer at 127.0.0.1: {why}"


def test_nothing_that_listens_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = Web(["127.0.0.1"]).document(f"https://sso.stackspin.test:{port}/")
    assert "nothing accepts connections at 127.0.0.1, sso.stackspin.test" in answer.problem
    assert answer.fix


def test_the_cluster_says_whom_to_ask_and_trust() -> None:
    web = web_of(reference(), "pem")
    assert list(web.addresses) == ["10.213.1.2"]
    assert list(web.authorities) == ["stackspin-ca"]
    assert web.ca_file == "pem"

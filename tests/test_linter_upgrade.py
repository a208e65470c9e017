"""Upgrades that are fine are not complained about; values are compared as Kubernetes does."""

from __future__ import annotations

import operator
import random
import shutil
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import pytest
from linter_packages import GOOD, Case, Edit, styles

from conformance.linter.access import walk
from conformance.linter.app import AppPackage, Chart, FluxKustomization, Installation, Release
from conformance.linter.facts.changes import difference, quantity, version
from conformance.linter.lint import lint
from conformance.linter.reading.documents import Document
from conformance.linter.rule import all_rules

pytestmark = pytest.mark.usefixtures("one_renderer")


def upgrade(tmp_path: Path, base: str, *edits: tuple[str, str, str], **more) -> list[str]:
    """Return what the upgrade rules say of a good package with edits; others are not asked."""
    before = [Edit(*edit) for edit in more.pop("before", [])]
    parts = {"edits": [Edit(*edit) for edit in edits], "before": before, **more}
    case = Case("upgrade", 1, base, "", previous="BASE", **parts)
    rules = [rule for name, rule in all_rules().items() if name.startswith("upgrade.")]
    result = lint(case.make(tmp_path), previous=case.make_previous(tmp_path), rules=rules)
    reasons = [reason for app in result.apps for _, reason in app.not_run]
    assert not [reason for reason in reasons if "internal error" in reason]
    return [f"{one.rule.id}: {one.message}" for app in result.apps for one in app.findings]


VERSION = ("Chart.yaml", "version: 1.2.0", "version: 1.2.1")
PAD_VERSION = ("charts/pad/Chart.yaml", "version: 1.0.4", "version: 1.0.5")
FINE = {
    "the claim grows": (
        "flux-app",
        [("flux2/apps/board/pvc.yaml", "storage: 2Gi", "storage: 2.5Gi")],
    ),
    "the same size in another unit": (
        "flux-app",
        [("flux2/apps/board/pvc.yaml", "storage: 2Gi", "storage: 2048Mi")],
    ),
    "another image, other resources": (
        "single-chart",
        [
            (
                "Chart.yaml",
                "version: 1.2.0\nappVersion: 2.4.1",
                "version: 1.3.0\nappVersion: 3.0.0",
            ),
            ("values.yaml", "memory: 256Mi", "memory: 512Mi"),
        ],
    ),
    "only the tests of the chart change": (
        "single-chart",
        [("ci/admin-values.yaml", "dates.example.org", "days.example.org")],
    ),
    "only a comment in Chart.yaml": (
        "single-chart",
        [("Chart.yaml", "name: polls\n", "name: polls  # nothing else\n")],
    ),
    "a new value": (
        "single-chart",
        [
            VERSION,
            ("values.yaml", "title: Polls\n", "title: Polls\nsubtitle: Dates\n"),
            ("values.schema.json", '"global"', '"subtitle": {"type": "string"}, "global"'),
        ],
    ),
    "a default in the template instead of the values": (
        "no-login",
        [
            PAD_VERSION,
            ("charts/pad/values.yaml", "storage: 500Mi", ""),
            (
                "charts/pad/templates/claim.yaml",
                ".Values.storage }}",
                '.Values.storage | default "500Mi" }}',
            ),
        ],
    ),
    "an entry less in a mapping that is used whole": (
        "flux-app",
        [
            ("charts/board/Chart.yaml", "version: 3.1.0", "version: 3.1.1"),
            ("charts/board/values.yaml", "{cpu: 10m, memory: 96Mi}", "{memory: 96Mi}"),
        ],
    ),
    "the class that is the default anyway is named": (
        "existing-claims",
        [
            ("helm/wiki/Chart.yaml", "version: 0.8.3", "version: 0.8.4"),
            (
                "deploy/wiki/manifests/claims.yaml",
                "  storageClassName: local-path\n  accessModes: [ReadWriteOnce]\n  resources:\n"
                "    requests:\n      storage: 5Gi\n",
                "  accessModes: [ReadWriteOnce]\n  storageClassName: local-path\n  resources:\n"
                "    requests:\n      storage: 5Gi\n",
            ),
        ],
    ),
    "a newer PostgreSQL of the same major version": (
        "existing-claims",
        [
            ("helm/wiki/Chart.yaml", "version: 0.8.3", "version: 0.8.4"),
            ("helm/wiki/values.yaml", "postgres:16.4", "postgres:16.10-alpine"),
        ],
    ),
    "a newer PostgreSQL in a chart that is elsewhere": (
        "remote-chart",
        [
            (
                "apps/forge/forgejo/forgejo-values-configmap.yaml",
                "tag: 16.4.0-debian-12-r14",
                "tag: 16.6.0-debian-12-r2",
            ),
            ("apps/forge/forgejo/forgejo-release.yaml", "version: 7.0.4", "version: 7.0.10"),
        ],
    ),
    "the client's secret has another name, and the same client_id": (
        "existing-claims",
        [
            (
                "deploy/wiki/generated/all.yaml",
                "stackspin-wiki-oauth-variables",
                "stackspin-wiki-login-variables",
            ),
            (
                "deploy/wiki/install/flux.yaml",
                "stackspin-wiki-oauth-variables",
                "stackspin-wiki-login-variables",
            ),
            (
                "deploy/wiki/manifests/login.yaml",
                "stackspin-wiki-oauth-variables",
                "stackspin-wiki-login-variables",
            ),
        ],
    ),
    "another length: what is there is kept": (
        "flux-app",
        [("flux2/apps/board-secrets/board-variables.yaml", 'length: "32"', 'length: "48"')],
    ),
    "one more generated value, and one more variable before the others": (
        "existing-claims",
        [
            (
                "deploy/wiki/generated/all.yaml",
                "    - fieldName: database_password\n",
                '    - fieldName: session_key\n      encoding: hex\n      length: "32"\n'
                "    - fieldName: database_password\n",
            ),
            (
                "deploy/wiki/manifests/secrets.yaml",
                '  password: "${database_password}"\n',
                '  other: "${session_key}"\n  password: "${database_password}"\n',
            ),
        ],
    ),
    "another redirect URI": (
        "flux-app",
        [("flux2/apps/board/oauth2-client.yaml", "/oidc/callback", "/login/callback")],
    ),
    "an object in another file": (
        "flux-app",
        [
            (
                "flux2/apps/board/release.yaml",
                "apiVersion: helm.toolkit",
                "# Comes first.\napiVersion: helm.toolkit",
            )
        ],
    ),
    "the chart is used as it is in the repository": (
        "flux-app",
        [("charts/board/values.yaml", "memory: 384Mi", "memory: 512Mi")],
        [
            (
                "flux2/apps/board/release.yaml",
                "reconcileStrategy: ChartVersion",
                "reconcileStrategy: Revision",
            )
        ],
    ),
    "a claim more": (
        "single-chart",
        [
            VERSION,
            (
                "templates/pvc.yaml",
                "apiVersion: v1\n",
                "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n"
                "  name: {{ .Release.Name }}-files\nspec: {}\n---\napiVersion: v1\n",
            ),
        ],
    ),
}


@pytest.mark.parametrize("what", FINE)
def test_a_good_upgrade_is_good(what, tmp_path):
    base, edits, *before = FINE[what]

    assert upgrade(tmp_path, base, *edits, before=before[0] if before else []) == []


def test_a_claim_that_moves_from_the_chart_into_the_package_keeps_its_data(tmp_path):
    claim = (GOOD / "flux-app/flux2/apps/board/pvc.yaml").read_text()
    without = ("flux2/apps/board/values-configmap.yaml", "existingClaim: board-data", "size: 2Gi")
    back = (without[0], without[2], without[1])

    case = {"before": [without, ("flux2/apps/board/pvc.yaml", claim, "")]}
    edits = [back, ("flux2/apps/board/pvc.yaml", "", claim)]
    found = upgrade(tmp_path, "flux-app", *edits, **case)

    assert found == []


def test_a_package_that_moves_to_another_namespace_is_told_so_once(tmp_path):
    there, here = "namespace: boards", "namespace: stackspin-apps"
    found = upgrade(
        tmp_path,
        "flux-app",
        ("flux2/apps/board/pvc.yaml", here, there),
        ("flux2/apps/board/values-configmap.yaml", here, there),
        ("flux2/apps/board/release.yaml", here, there),
    )

    assert [one.partition(":")[0] for one in found] == ["upgrade.release-moved"]


def test_of_a_chart_that_renders_no_more_no_claim_is_said_to_be_gone(tmp_path):
    before = GOOD / "existing-claims/helm/wiki"
    now = shutil.copytree(before, tmp_path / "wiki")
    (now / "templates/web.yaml").write_text('{{ fail "no" }}')

    result = lint(now, previous=before, rules=[all_rules()["upgrade.claim-gone"]])

    [app] = result.apps
    assert app.findings == ()
    assert [rule.id for rule, _ in app.not_run] == ["upgrade.claim-gone"]


def test_a_chart_is_not_compared_with_a_package():
    rules = [rule for name, rule in all_rules().items() if name.startswith("upgrade.")]

    result = lint(GOOD / "no-login", previous=GOOD / "single-chart", rules=rules)

    assert [app.findings for app in result.apps] == [()]
    assert {rule.id for rule, _ in result.apps[0].not_run} == {rule.id for rule in rules}
    assert "compare a chart with a chart" in result.apps[0].not_run[0][1]


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [
        ("1Gi", 2**30),
        ("1G", 10**9),
        ("0.5Gi", 2**29),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("2Ei", 2**61),
        (5, 5),
        ("100m", Decimal("0.1")),
        ("1gb", None),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
        ("9" * 5000, None),
        ("1e999", 10**999),
        ("\uff11", None),
    ],
)
def test_quantities(written, bytes_):
    assert quantity(written) == bytes_


def test_versions_compare_as_semver_says():
    order = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11"]
    order += ["1.0.0-rc.1", "1.0.0", "1.0.1", "v1.2", "1.10.0+build", 2]

    backwards = order[::-1]
    assert sorted(backwards, key=version) == order
    assert version("1.0.0+a") == version("1.0.0+b")


@pytest.mark.parametrize("written", ["", "latest", None, [], True, "1" * 5000, "1.2.3.4"])
def test_what_is_no_version_is_none(written):
    assert version(written) is None


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (None, {}),
        ({}, []),
        ({"a": None}, {}),
        ({"storage": "1Gi"}, {"storage": "1024Mi"}),
        ([{"a": 1}], [{"a": 1, "b": {}}]),
    ],
)
def test_what_makes_no_difference(before, now):
    assert difference(before, now) is None


def test_a_difference_is_named_where_it_is():
    assert difference({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == (("a", 0, "b"), 1, 2)
    assert difference({"a": {"b": 1}}, {"a": "b"}) == (("a",), {"b": 1}, "b")
    assert difference(["a"], ["a", "b"]) == ((), ["a"], ["a", "b"])


JUNK = (
    None,
    [],
    {},
    "",
    0,
    -1,
    True,
    1.5,
    "\x1b[31m<b>",
    "x" * 5000,
    [None],
    [[]],
    {"a": {"a": 1}},
)
JUNK += (
    {"a": {"a": 1}},
    [{"name": []}],
    {"name": {}},
    {"": None},
    "${x}",
    "/",
    "..",
    ":",
    "a:b:c",
    "-1Gi",
    "é",
)


def changed(value, path, junk):
    """Return ``value`` with other content at ``path``."""
    if not path:
        return junk
    key, *rest = path
    if isinstance(value, dict):
        return {**value, key: changed(value[key], rest, junk)}
    return [changed(one, rest, junk) if i == key else one for i, one in enumerate(value)]


def mutants(app: AppPackage, chance: random.Random, count: int):
    """Yield the app with one value of an object, a release's values or a chart replaced."""
    objects = list({id(m): m for i in app.installations for m in i.manifests}.values())
    documents = [doc for chart in app.charts for doc in (chart.metadata, chart.values)]
    for _ in range(count):
        one = chance.choice([*objects, *objects, *app.releases, *documents])
        value = one.values if isinstance(one, Release) else one.value
        path, _ = chance.choice(list(walk(value)))
        junk = chance.choice(JUNK)
        if not path and not isinstance(junk, dict):
            continue
        mutant = changed(value, path, junk)
        if isinstance(one, Release):
            other = replace(one, values=mutant)
        elif isinstance(one, Document):
            other = replace(one, value=mutant)
        else:
            other = replace(one, value=mutant)
        yield (str(one)[:200], path, junk), swap(app, one, other)


def swap(value, one, other):
    """Return a dataclass with ``other`` wherever it has ``one``."""
    if value is one:
        return other
    if isinstance(value, tuple):
        items = tuple(swap(item, one, other) for item in value)
        return value if all(map(operator.is_, items, value)) else items
    if isinstance(value, AppPackage | Chart | FluxKustomization | Installation | Release):
        inner = {item.name: getattr(value, item.name) for item in fields(value) if item.init}
        new = {name: swap(item, one, other) for name, item in inner.items()}
        same = all(new[name] is item for name, item in inner.items())
        return value if same else replace(value, **new)
    return value


@pytest.mark.parametrize("style", styles())
def test_no_rule_trips_over_any_value(style):
    app = lint(GOOD / style, rules=()).apps[0].app
    chance = random.Random(style)  # noqa: S311 - no secret
    rules = all_rules().values()

    for what, mutant in mutants(app, chance, 40):
        for pair in (replace(mutant, previous=app), replace(app, previous=mutant)):
            for rule in rules:
                try:
                    for problem in rule.check(pair):
                        assert problem
                except Exception as error:
                    raise AssertionError(f"{rule.id} fails on {what}") from error

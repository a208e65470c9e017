"""Variables of Flux: strict mode, and what the platform's own sources have."""

from __future__ import annotations

from pathlib import Path

import pytest
from flux_trees import apps_in, config_map, kustomization, release, write

from conformance.linter.findings import NotRun, Problem
from conformance.linter.flux.platform import provides_variable
from conformance.linter.rules.variable.defined import defined

CLUSTER = "Secret stackspin-cluster-variables"
KUSTOMIZE = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
CONTROLLER = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "kustomize-controller", "namespace": "flux-system"},
    "spec": {"template": {"spec": {"containers": [{"name": "manager", "args": ["--log-level"]}]}}},
}
GATE = """
- op: add
  path: /spec/template/spec/containers/0/args/-
  value: --feature-gates=%s
"""


def tree(root: Path, gates: str, *, optional: bool = True) -> Path:
    """Write an app with a variable that only a source beside the tree may define."""
    app = kustomization("wiki", "./wiki", sources=["ConfigMap here", "ConfigMap elsewhere"])
    app["spec"]["postBuild"]["substituteFrom"][1]["optional"] = optional
    return write(
        root,
        {
            "clusters/a/flux-system/gotk-components.yaml": CONTROLLER,
            "clusters/a/flux-system/kustomization.yaml": {
                **KUSTOMIZE,
                "resources": ["gotk-components.yaml"],
                "patches": [
                    {"target": {"kind": "Deployment"}, "patch": GATE % gates},
                ],
            },
            "clusters/a/flux-system/sync.yaml": kustomization("flux-system", "./clusters/a"),
            "clusters/a/wiki.yaml": app,
            "clusters/a/here.yaml": config_map("here", "flux-system", known="yes"),
            "wiki/release.yaml": release("wiki", values={"a": "${known}", "b": "${title}"}),
        },
    )


def said(root: Path) -> list[str]:
    return [
        one.message
        for app in apps_in(root)
        for one in defined(app)
        if isinstance(one, Problem) and "title" in one.message
    ]


def test_in_strict_mode_what_may_be_absent_defines_nothing(tmp_path):
    [message] = said(tree(tmp_path, "A=true,StrictPostBuildSubstitutions=true"))
    assert message == (
        "${title} is not defined by any source of Kustomization wiki but the optional ConfigMap"
        " elsewhere: in strict mode, all of it fails"
    )


@pytest.mark.parametrize("gates", ["StrictPostBuildSubstitutions=false", "Other=true"])
def test_otherwise_people_may_define_it_or_leave_it_empty(tmp_path, gates):
    assert said(tree(tmp_path, gates)) == []


def test_a_source_that_must_be_there_is_the_finding_itself(tmp_path):
    assert said(tree(tmp_path, "StrictPostBuildSubstitutions=true", optional=False)) == []


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("domain", True),
        ("outgoing_mail_smtp_host", True),
        ("outgoing_mail_smpt_host", False),
        ("outgoing_mail_smtp_hosts", False),
        ("outgoing_mailsmtp_host", False),
        ("outgoing_mail_smtp_auth", True),
        ("outgoing_mail_reply_to", True),
        ("backup_s3_buckets", False),
        ("backup_schedule", True),
        ("hydra_domain", False),
        ("domains", False),
    ],
)
def test_what_the_secret_of_the_cluster_has(name, there):
    assert provides_variable(CLUSTER, name) is there


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("blue", []),
        ("$${colour}", []),
        (
            "${colour:=blue}",
            [
                "the files use ${colour}, and the Flux Kustomization that applies them is not in "
                "PATH: give the folder that has it, too"
            ],
        ),
    ],
)
def test_objects_that_nothing_applies_are_not_judged_only_where_they_use_variables(
    text: str, reasons: list[str], tmp_path: Path
) -> None:
    write(
        tmp_path,
        {"app.yaml": [config_map("app", colour=text), {**CONTROLLER, "metadata": {"name": "app"}}]},
    )
    [app] = apps_in(tmp_path)
    assert list(defined(app)) == [NotRun(one) for one in reasons]

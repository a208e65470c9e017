"""Rules about backups, on objects made here: branches, and false alarms."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest
from linter_data_packages import (
    CLAIM,
    SET,
    VOLUMES,
    app,
    deployment,
    ids,
    manifest,
    rules_about_data,
    said,
)

from conformance.linter.app import Installation
from conformance.linter.findings import NotRun
from conformance.linter.manifest import Manifest

pytestmark = pytest.mark.usefixtures("one_renderer")


BARE_CLAIM = manifest("kind: PersistentVolumeClaim\nmetadata: {name: notes-data}")


class TestBackup:
    def test_a_claim_that_one_of_its_pods_lists_is_backed_up(self):
        worker = deployment("worker", metadata__annotations={}, metadata__labels={})

        assert said(app(CLAIM, deployment(), worker)) == []
        assert "backup.volume-listed" in ids(app(CLAIM, worker))

    def test_a_cache_may_be_left_out_and_needs_no_labels(self):
        excluded = {"backup.velero.io/backup-volumes-excludes": "data"}
        pod = deployment(metadata__annotations=excluded, metadata__labels={})

        assert said(app(BARE_CLAIM, pod)) == []

    @pytest.mark.parametrize("kind", ["Job", "CronJob"])
    def test_pods_that_end_are_not_backed_up(self, kind):
        pod = deployment(metadata__annotations={}, metadata__labels={})
        template = pod.value["spec"]
        spec = {"jobTemplate": {"spec": template}} if kind == "CronJob" else template
        value = {"kind": kind, "metadata": {"name": "notes"}, "spec": spec}

        assert said(app(CLAIM, Manifest(value, "job.yaml", lambda _: 1))) == []

    def test_a_test_of_helm_is_not_backed_up(self):
        pod = deployment(metadata__annotations={}, metadata__labels={})
        pod.value["metadata"]["annotations"] = {"helm.sh/hook": "test"}  # type: ignore[index]

        assert said(app(CLAIM, pod)) == []

    def test_two_stateful_sets_with_templates_of_one_name_are_told_apart(self):
        def stateful(name: str, annotations: Mapping[str, str]) -> Manifest:
            value = {
                "kind": "StatefulSet",
                "metadata": {"name": name},
                "spec": {
                    "template": {"metadata": {"labels": {SET: "n"}, "annotations": annotations}},
                    "volumeClaimTemplates": [{"metadata": {"name": "data", "labels": {SET: "n"}}}],
                },
            }
            return Manifest(value, "stateful.yaml", lambda _: 1)

        [line] = said(app(stateful("one", {VOLUMES: "data"}), stateful("two", {}), name="n"))

        assert line.startswith('backup.volume-listed: volume "data" (claim data-two-*)')

    def test_the_name_that_is_meant_is_found(self):
        for wrong in ("notes-data", "dta", "data;tmp"):
            [line] = said(app(CLAIM, deployment(metadata__annotations={VOLUMES: wrong})))
            assert line.startswith("backup.unknown-volume:"), wrong
            assert 'did you mean "data"' in line

    def test_an_annotation_of_another_type_is_the_schemas_business(self):
        pod = deployment(metadata__annotations={VOLUMES: ["data"]})

        assert said(app(CLAIM, pod)) == []

    def test_a_volume_that_a_hook_dumps_into_may_be_listed(self):
        volumes = [{"name": "dump", "emptyDir": {}}]
        listed = {VOLUMES: "dump"}
        hook = {**listed, "pre.hook.backup.velero.io/command": '["pg_dump"]'}

        assert said(app(deployment(spec__volumes=volumes, metadata__annotations=hook))) == []
        assert ids(app(deployment(spec__volumes=volumes, metadata__annotations=listed))) == [
            "backup.nothing-lasting"
        ]

    def test_a_volume_of_the_node_is_left_out_of_the_backup(self):
        volumes = [{"name": "data", "hostPath": {"path": "/srv"}}]

        assert ids(app(deployment(spec__volumes=volumes))) == ["backup.host-path"]

    def test_the_name_of_the_set_need_not_be_the_apps(self):
        claim = copy.deepcopy(CLAIM.value)
        claim["metadata"]["labels"][SET] = "pad"
        pod = deployment(metadata__labels={SET: "pad"})

        assert said(app(Manifest(claim, "claim.yaml", lambda _: 1), pod)) == []

    def test_the_set_of_an_app_elsewhere_in_the_tree_is_not_ours(self):
        claim = copy.deepcopy(CLAIM.value)
        claim["metadata"]["labels"][SET] = "pad"
        pod = deployment(metadata__labels={SET: "pad"})
        other = manifest("kind: HelmRelease\nmetadata: {name: pad}")
        package = app(Manifest(claim, "claim.yaml", lambda _: 1), pod, neighbours=(other,))

        assert ids(package) == ["backup.set-name"] * 2

    def test_what_is_not_known_is_said(self):
        package = app(installations=(Installation("x", (), ("chart x is elsewhere",)),), written=())
        reasons = {
            rule.id: one.reason
            for rule in rules_about_data()
            for one in rule.check(package)
            if isinstance(one, NotRun)
        }

        assert {id for id in reasons if id.startswith("backup.")} == {
            rule.id for rule in rules_about_data() if rule.id.startswith("backup.")
        }
        assert all(reason.startswith("chart x is elsewhere: ") for reason in reasons.values())

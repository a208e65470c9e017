"""The rules that say which data would be missing in a backup, on objects made here."""

from __future__ import annotations

from conformance.apps.backup_rules import (
    ClaimedVolume,
    backup_findings,
    expected_volumes,
    listed_volumes,
    missing_in_backup,
)


def _pod(listed: str | None = "data", labels: dict | None = None) -> dict:
    annotations = {} if listed is None else {"backup.velero.io/backup-volumes": listed}
    return {
        "metadata": {
            "name": "app-1",
            "labels": {"stackspin.net/backupSet": "app"} if labels is None else labels,
            "annotations": annotations,
        },
        "spec": {
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "app-data"}},
                {"name": "tmp", "emptyDir": {}},
            ]
        },
    }


def _claim(labels: dict | None = None) -> dict:
    return {
        "metadata": {
            "name": "app-data",
            "labels": {"stackspin.net/backupSet": "app"} if labels is None else labels,
        },
        "spec": {"volumeName": "pvc-1"},
    }


def _volume(kind: str) -> dict:
    return {"metadata": {"name": "pvc-1"}, "spec": {kind: {"path": "/opt/1"}}}


def test_a_complete_app_has_no_findings() -> None:
    assert backup_findings([_pod()], [_claim()], [_volume("local")]) == []


def test_expected_is_every_claim_and_nothing_else() -> None:
    assert expected_volumes([_pod()]) == [ClaimedVolume("app-1", "data", "app-data")]


def test_what_is_left_out_on_purpose_is_not_expected() -> None:
    pod = _pod("")
    pod["metadata"]["annotations"] = {"backup.velero.io/backup-volumes-excludes": "tmp, data"}
    assert expected_volumes([pod]) == []
    assert backup_findings([pod], [_claim()]) == []


def test_a_claim_that_a_backup_lacks_is_named_with_why_it_may_be() -> None:
    assert missing_in_backup([_pod()], [_claim()], [], {("app-1", "data")}) == []
    missing, why = missing_in_backup([_pod("tmp")], [_claim()], [], {("app-2", "data")})
    assert missing == "claim app-data (volume data of pod app-1) is not in the backup"
    assert "not in the annotation" in why


def test_the_annotation_may_have_spaces() -> None:
    assert listed_volumes(_pod("data, tmp ,")) == ["data", "tmp"]
    assert listed_volumes(_pod(None)) == []


def test_a_volume_left_out_of_the_annotation_is_found() -> None:
    for listed in (None, "", "tmp"):
        [finding] = backup_findings([_pod(listed)], [_claim()])
        assert "volume data (claim app-data) is not in the annotation" in finding


def test_a_wrong_name_in_the_annotation_is_found() -> None:
    [finding] = backup_findings([_pod("data,dta")], [_claim()])
    assert "names dta, which is not a volume" in finding


def test_a_volume_of_type_host_path_is_found() -> None:
    [finding] = backup_findings([_pod()], [_claim()], [_volume("hostPath")])
    assert "claim app-data: its volume is of type hostPath" in finding


def test_missing_labels_are_found() -> None:
    findings = backup_findings([_pod(labels={})], [_claim(labels={})])
    assert [finding.split(" has ")[0] for finding in findings] == ["pod app-1", "claim app-data"]


def test_claims_that_no_pod_mounts_are_not_looked_at() -> None:
    other = {"metadata": {"name": "other"}, "spec": {}}
    assert backup_findings([_pod()], [_claim(), other]) == []


def test_a_pod_template_is_as_good_as_a_pod() -> None:
    template = _pod(None)
    del template["metadata"]["name"]
    [finding] = backup_findings([template])
    assert finding.startswith("pod of the template")

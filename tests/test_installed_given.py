"""What a run on a platform of others asks before it reads or changes anything there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import pytest

from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.kube.client import Kube
from conformance.platform.installed import given
from conformance.platform.installed.given import DISCOVER, refuse_old_kubernetes
from conformance.platform.installed.rights import refuse_without_rights
from conformance.platform.reference import reference_platform

PLATFORM = reference_platform("example.org")


def test_each_missing_right_is_named() -> None:
    class Limited:
        def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
            asked = manifest["spec"]["resourceAttributes"]
            what = (asked["resource"], asked["subresource"], asked["verb"])
            may = what != ("pods", "", "create")
            may = may and not (asked["resource"] == "backups" and asked["namespace"] == "velero")
            return {"status": {"allowed": may}}

    with pytest.raises(HarnessError) as caught:
        refuse_without_rights(cast(Kube, Limited()), PLATFORM)
    assert "  may not create pods\n" in str(caught.value)
    all_of_it = "get, list, watch, create, patch, delete"
    assert f"  may not {all_of_it} backups.velero.io in velero" in str(caught.value)
    assert "pods/exec" not in str(caught.value)
    with pytest.raises(HarnessError) as caught:
        refuse_without_rights(cast(Kube, Limited()), None)  # nobody knows yet where Velero is
    assert str(caught.value).count("  may not ") == 1


def test_missing_rights_are_told_before_anything_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Forbidding:
        def version(self) -> str:
            return "v1.36.0"

        def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
            return {**manifest, "status": {"allowed": False}}

    @contextlib.contextmanager
    def opened(_: object) -> Iterator[tuple[str, Any]]:
        yield "home", Forbidding()

    def too_early(*_: object) -> None:
        raise AssertionError("asked before")

    monkeypatch.setattr(given, "opened", opened)
    monkeypatch.setattr(given, "refuse_beside_another_run", too_early)
    monkeypatch.setattr(given, "read_cluster", too_early)
    settings = Settings(cluster="existing", platform=DISCOVER)
    with pytest.raises(HarnessError, match=r"watch, create, patch, delete pods\n"):
        given.given_platform(settings)


def test_of_what_discovery_has_not_found_only_what_a_cluster_says_is_told() -> None:
    text = "implementation: {organization: '', project: '', version: ''}\ndomain: example.org\n"
    with pytest.raises(HarnessError) as caught:
        given._found(text)
    first, *lines = str(caught.value).splitlines()
    assert first == "discovery has not found all that a platform has"
    assert "  single_sign_on is missing" in lines
    assert not any("implementation" in line or "/" in line for line in lines[:-1])


def test_who_may_do_everything_is_not_refused() -> None:
    class Free:
        def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
            return {**manifest, "status": {"allowed": True}}

    refuse_without_rights(cast(Kube, Free()), PLATFORM)


def test_an_old_kubernetes_is_refused() -> None:
    with pytest.raises(HarnessError, match=r"home runs Kubernetes v1\.27\.3\+k3s1, which is older"):
        refuse_old_kubernetes("home", "v1.27.3+k3s1")
    refuse_old_kubernetes("home", "v1.36.0")

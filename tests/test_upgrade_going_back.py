"""Going back to the release before: which of the releases went, and which say that they did not."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.capabilities.platform_upgrade.going_back import outcome
from conformance.capabilities.platform_upgrade.state import Installed, State

NAME = "apps/notes"
REFUSAL = {"type": "Released", "status": "False", "message": "Helm upgrade failed: not Ready"}


class Api:
    """A cluster with one release, whose chart is 1.0.0 now."""

    def __init__(self, attempted: str, *conditions: dict[str, str], suspend: bool = False) -> None:
        self.release: dict[str, Any] = {
            "kind": "HelmRelease",
            "metadata": {"namespace": "apps", "name": "notes", "generation": 1},
            "spec": {"suspend": suspend},
            "status": {
                "observedGeneration": 1,
                "helmChart": "flux-system/notes",
                "lastAttemptedRevision": attempted,
                "conditions": [*conditions],
            },
        }

    def list(self, _: str, kind: str, *__: object) -> list[dict[str, Any]]:
        chart = {
            "metadata": {"namespace": "flux-system", "name": "notes"},
            "status": {"artifact": {"revision": "1.0.0"}},
        }
        return [chart] if kind == "HelmChart" else [self.release]


def left(status: str) -> State:
    """Return the state in which the last revision of the release has this status."""
    return State({NAME: Installed("then", {2: "superseded", 3: status})}, {}, {})


def ready(status: str, message: str = "") -> dict[str, str]:
    return {"type": "Ready", "status": status, "message": message}


def found(api: Api, status: str) -> tuple[list[str], list[str], list[str]]:
    seen = outcome(api, left(status))  # type: ignore[arg-type]
    return seen.back, seen.refused, seen.neither


def test_a_release_that_is_ready_at_the_branchs_chart_has_gone_back() -> None:
    api = Api("1.0.0", ready("True"))
    assert found(api, "deployed") == ([NAME], [], [])
    assert outcome(api, left("deployed")).summary == f"going back works: {NAME}"  # type: ignore[arg-type]


def test_a_release_that_was_rolled_back_and_says_why_has_refused() -> None:
    api = Api("1.0.0", ready("False", "Failed to upgrade after 1 attempt(s)"), REFUSAL)
    line = (
        f"HelmRelease {NAME}: Failed to upgrade after 1 attempt(s); Helm upgrade failed: not Ready"
    )
    assert found(api, "deployed") == ([], [line], [])
    seen = outcome(api, left("deployed"))  # type: ignore[arg-type]
    assert seen.summary == f"going back is refused\n{line}"


@pytest.mark.parametrize(
    ("conditions", "status", "line"),
    [
        (
            [ready("False", "failed"), REFUSAL],
            "failed",
            "revision 3 is failed: failed; Helm upgrade failed: not Ready",
        ),
        ([ready("False", "failed")], "pending-rollback", "revision 3 is pending-rollback: failed"),
        ([ready("False")], "deployed", "revision 3 is deployed: it does not say why"),
        ([ready("Unknown", "Running")], "deployed", "revision 3 is deployed: it does not say why"),
    ],
)
def test_a_release_that_is_neither_is_told(
    conditions: list[dict[str, str]], status: str, line: str
) -> None:
    told = f"HelmRelease {NAME} is not Ready at 1.0.0, {line}"
    assert found(Api("1.0.0", *conditions), status) == ([], [], [told])


def test_a_release_that_is_ready_as_it_was_before_has_not_gone_back() -> None:
    assert found(Api("2.0.0", ready("True")), "deployed")[2] != []


def test_nobody_expects_anything_of_a_suspended_release() -> None:
    assert found(Api("2.0.0", ready("False"), suspend=True), "failed") == ([], [], [])

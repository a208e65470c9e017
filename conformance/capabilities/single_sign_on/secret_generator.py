"""The operator that makes Secrets: found by what it may do, as no description names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.kube.apply import apply_file
from conformance.kube.conditions import matching
from conformance.kube.objects import Ref, Selection
from conformance.kube.pods import replace_pods
from conformance.kube.wait import Wait, wait_all
from conformance.platform.generated_secrets import GROUP

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object

MANIFESTS = Path(__file__).with_name("generated.yaml")
RBAC = "rbac.authorization.k8s.io/v1"
_STATUS = "stringsecrets/status"
"""What nobody but the generator writes."""


class SecretGenerator:
    """The operator on one cluster, whose pods are ``pods``."""

    def __init__(self, kube: Kube, pods: Sequence[Selection]) -> None:
        self._kube = kube
        self._pods = pods

    def restart(self, namespace: str) -> None:
        """Delete its pods; returns when others are done with what they do when they start.

        They look at everything that is there, in the order of a queue. So they are done with that
        when they have made something that was asked for after their first answer.
        """
        replace_pods(self._kube, self._pods)
        self.make("first-answer", namespace)
        self.make("asked-for-since", namespace)

    def make(self, name: str, namespace: str) -> None:
        """Have it make a Secret of each kind; returns when they have data."""
        made = apply_file(self._kube, MANIFESTS, name=name, namespace=namespace)
        filled = matching("filled", lambda secret: bool(secret["data"]))
        names = [item["metadata"]["name"] for item in made]
        secrets = [Wait(Ref("v1", "Secret", one, namespace), filled) for one in names]
        wait_all(self._kube, secrets)


def pods_of_generator(kube: Kube) -> list[Selection]:
    """Return the pods that may write the status of StringSecrets, by their ServiceAccounts."""
    roles = {
        role["metadata"]["name"]
        for role in kube.list(RBAC, "ClusterRole")
        if any(map(_writes_status, role.get("rules") or ()))
    }
    bound = [
        subject
        for binding in kube.list(RBAC, "ClusterRoleBinding")
        if binding["roleRef"]["name"] in roles
        for subject in binding.get("subjects") or ()
    ]
    # A binding may outlive whom it was made for.
    return [one for one in dict.fromkeys(_pods_of_accounts(bound)) if kube.list(*one)]


def _pods_of_accounts(subjects: Iterable[Object]) -> Iterable[Selection]:
    for subject in subjects:
        if subject["kind"] == "ServiceAccount":
            account = f"spec.serviceAccountName={subject['name']}"
            yield Selection("v1", "Pod", subject["namespace"], fields=account)


def _writes_status(rule: Mapping[str, Any]) -> bool:
    """Whether a rule of a role is about this group by name: administrators may do everything."""
    named = GROUP in rule.get("apiGroups", ())
    status = {_STATUS, "*"} & {*rule.get("resources", ())}
    return bool(named and status and {"update", "patch", "*"} & {*rule["verbs"]})

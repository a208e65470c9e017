"""Sentinel files in an app's claims: whoever loses, damages or forgets a claim's data changes them.

A pod of the suite's own mounts the claims, so that nothing is needed in the app's images.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from conformance.apps import tree
from conformance.kube.conditions import deleted, ready
from conformance.kube.execution import execute
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects, Ref
from conformance.kube.wait import wait

if TYPE_CHECKING:
    from conformance.kube.client import Kube

_FILES = 60
"""Of 5000 bytes at most: there is room for them on the smallest claim."""
_MOUNTS = "/claims"
_FILE_MASK, _FOLDER_MASK = 0o660, 0o2770
"""What kubelet adds to modes for the group that a pod's volumes have.
https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/volume/volume_linux.go"""


@dataclass(frozen=True)
class Sentinels:
    """Files in claims, and how they have to be found."""

    kube: Kube
    image: str
    """Has a python3."""
    folder: str
    """In the root of each claim."""
    files: Mapping[Ref, tree.Manifest]
    """Claim -> what is in it."""

    @property
    def bytes(self) -> int:
        """How many there are in all files together."""
        return sum(entry.size for files in self.files.values() for entry in files.values())

    def verify_content(self) -> None:
        """Raise ``DataDiffers`` unless the files and links are there, whatever their owners.

        Some apps give themselves everything in their volumes when they start.
        """
        self._verify(self._found({}), by_content=True)

    def verify(self, mapping: Mapping[str, str] | None = None) -> None:
        """Raise ``DataDiffers`` unless the files are as they were, modes and owners too.

        ``mapping``: namespace -> namespace in which to look for the claims instead.
        """
        self._verify(self._found(mapping or {}), by_content=False)

    def without(self, claims: Collection[str]) -> Sentinels:
        """Return the files of other claims than these."""
        kept = {claim: files for claim, files in self.files.items() if claim.name not in claims}
        return replace(self, files=kept)

    def as_they_are(self) -> Sentinels:
        """Return the same files with the modes and owners that they have now."""
        return replace(self, files=self._found({}))

    def alter(self, mapping: Mapping[str, str]) -> None:
        """Invert one byte of the largest file in the first claim."""
        claim, files = next(iter(self.files.items()))
        path = max(files, key=lambda path: files[path].size)
        there = claim._replace(namespace=_mapped(claim, mapping))
        with mounted(self.kube, self.image, [there]) as run:
            tree.alter(run, f"{_MOUNTS}/{claim.name}/{path}")

    def _found(self, mapping: Mapping[str, str]) -> dict[Ref, tree.Manifest]:
        found: dict[Ref, tree.Manifest] = {}
        for namespace in dict.fromkeys(_mapped(claim, mapping) for claim in self.files):
            here = [claim for claim in self.files if _mapped(claim, mapping) == namespace]
            there = [claim._replace(namespace=namespace) for claim in here]
            with mounted(self.kube, self.image, there) as run:
                for claim in here:
                    root = f"{_MOUNTS}/{claim.name}"
                    entries = tree.describe(run, root, [self.folder])
                    groups = _groups(self.kube, claim.name, namespace)
                    found[claim] = _settled(self.files[claim], entries, groups)
        return found

    def _verify(self, found: Mapping[Ref, tree.Manifest], *, by_content: bool) -> None:
        lines = []
        for claim, files in self.files.items():
            expected, there = files, found[claim]
            if by_content:
                expected, there = _without_owners(expected), _without_owners(there)
            lines += [f"{claim.name}: {line}" for line in tree.differences(expected, there)]
        if lines:
            raise tree.DataDiffers("sentinel files in the claims", lines)


def plant(kube: Kube, image: str, claims: Sequence[Ref]) -> Sentinels:
    """Put files of every kind into each claim: modes, owners, links, names."""
    folder = f".stackspin-conformance-{secrets.token_hex(3)}"
    files: dict[Ref, tree.Manifest] = {}
    for namespace in dict.fromkeys(claim.namespace for claim in claims):
        here = [claim for claim in claims if claim.namespace == namespace]
        with mounted(kube, image, here) as run:
            for claim in here:
                root = f"{_MOUNTS}/{claim.name}"
                number = secrets.randbelow(1000)
                tree.grow(run, f"{root}/{folder}", seed=number, files=_FILES)
                # So that an app of any user that empties its volume removes some of it.
                run(["chmod", "0777", f"{root}/{folder}/folder-0"], b"")
                files[claim] = tree.describe(run, root, [folder])
    return Sentinels(kube, image, folder, files)


@contextmanager
def mounted(kube: Kube, image: str, claims: Sequence[Ref]) -> Iterator[tree.Runner]:
    """Yield what runs commands as root where the claims of one namespace are mounted, by name.

    At the end the pod that does so is gone.
    """
    pod = ref_of({"apiVersion": "v1", "kind": "Pod", **kube.create(_pod(kube, image, claims))})
    try:
        wait(kube, pod, ready())
        yield partial(_run, kube, pod)
    finally:
        kube.delete(*pod, grace_seconds=0)
        wait(kube, pod, deleted())


def _run(kube: Kube, pod: Ref, argv: Sequence[str], stdin: bytes) -> bytes:
    return execute(kube, str(pod.namespace), pod.name, argv, stdin=stdin).check().stdout


def _pod(kube: Kube, image: str, claims: Sequence[Ref]) -> Object:
    names, namespace = [claim.name for claim in claims], str(claims[0].namespace)
    spec: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsUser": 0, "runAsGroup": 0},
        "containers": [
            {
                "name": "files",
                "image": image,
                "command": ["sleep", "infinity"],
                "volumeMounts": [
                    {"name": f"claim-{number}", "mountPath": f"{_MOUNTS}/{name}"}
                    for number, name in enumerate(names)
                ],
            }
        ],
        "volumes": [
            {"name": f"claim-{number}", "persistentVolumeClaim": {"claimName": name}}
            for number, name in enumerate(names)
        ],
    }
    # A claim that only one node may mount can be mounted beside the app only.
    nodes = {one["spec"].get("nodeName") for one in _pods_with(kube, names, namespace)} - {None}
    if nodes:
        same = {"key": "metadata.name", "operator": "In", "values": [min(nodes)]}
        terms = {"nodeSelectorTerms": [{"matchFields": [same]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
        spec["affinity"] = {"nodeAffinity": required}
    metadata = {"generateName": "conformance-files-", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _pods_with(kube: Kube, claims: Sequence[str], namespace: str) -> Objects:
    """Return the pods of a namespace that mount one of these claims."""
    return [
        pod
        for pod in kube.list("v1", "Pod", namespace)
        for volume in pod["spec"].get("volumes") or ()
        if (volume.get("persistentVolumeClaim") or {}).get("claimName") in claims
    ]


def _groups(kube: Kube, claim: str, namespace: str) -> set[int]:
    """Return the groups that pods want their volumes to have, of those that mount a claim."""
    pods = _pods_with(kube, [claim], namespace)
    return {
        group
        for pod in pods
        if (group := (pod["spec"].get("securityContext") or {}).get("fsGroup")) is not None
    }


def _settled(
    expected: tree.Manifest, found: tree.Manifest, groups: Iterable[int]
) -> dict[str, tree.Entry]:
    """Return what was found, without what kubelet changes of a volume for a pod's group.

    It may do so each time it mounts the volume, or never: that depends on its plug-in.
    """
    return {
        path: expected[path]
        if path in expected and entry in [_given(expected[path], group) for group in groups]
        else entry
        for path, entry in found.items()
    }


def _given(entry: tree.Entry, group: int) -> tree.Entry:
    """Return an entry as kubelet gives it to the group of a pod's volumes."""
    if entry.type == "link":
        return replace(entry, gid=group)
    mask = _FOLDER_MASK if entry.type == "directory" else _FILE_MASK
    return replace(entry, gid=group, mode=f"{int(entry.mode, 8) | mask:o}")


def _without_owners(files: tree.Manifest) -> tree.Manifest:
    return {path: replace(entry, mode="", uid=0, gid=0) for path, entry in files.items()}


def _mapped(claim: Ref, mapping: Mapping[str, str]) -> str:
    return mapping.get(str(claim.namespace), str(claim.namespace))

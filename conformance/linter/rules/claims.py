"""Whether the platform makes the volumes that an app asks for, and the app uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import sequence
from conformance.linter.facts.cluster import Cluster, each, guessed, unknown_charts
from conformance.linter.facts.needs import State, origin
from conformance.linter.facts.storage import (
    CLAIM,
    LOCAL_PATH,
    ONE_NODE,
    Claim,
    absent,
    claims,
    handed,
    lost,
    mounts_of,
    persistence,
    used_by_name,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage

_VOLUMES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/"
_PROVISIONER = "https://github.com/rancher/local-path-provisioner/issues/70"
_CLASS_KEYS = ("storageClass", "storageClassName")


@rule(
    "claims.storage-class",
    "A claim asks for a StorageClass that the platform has",
    level=2,
    why="A claim with a class that nothing provides waits forever, and so does the app.",
    source="Stackspin",
    fix=f"Use storageClassName: {LOCAL_PATH}, or leave it out.",
    example="""
spec:
  storageClassName: local-path
""",
)
def storage_class(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim of another class."""
    yield from each(app, _strange_classes)


def _classes(cluster: Cluster) -> set[str]:
    objects = (*cluster.manifests, *cluster.app.neighbours)
    return {one.name for one in objects if one.kind == "StorageClass"}


def _strange_classes(cluster: Cluster) -> Iterator[Problem]:
    known = _classes(cluster)
    volumes = any(True for _ in cluster.objects("PersistentVolume"))
    for claim in claims(cluster):
        name = claim.storage_class
        if name is None or name.startswith(LOCAL_PATH) or name in known or guessed(name):
            continue
        if claim.bound or volumes:
            continue
        what = f"asks for StorageClass {quoted(name)}; the platform has {LOCAL_PATH}"
        if not name:
            what = 'has storageClassName: "", which means a volume created by hand'
        place = claim.place("spec", "storageClassName")
        yield Problem(origin(cluster, claim.manifest, name, place), f"claim {claim.name} {what}")
    for release in unknown_charts(cluster):
        for path, value in persistence(release):
            for key in _CLASS_KEYS:
                name = value.get(key)
                if (
                    not isinstance(name, str)
                    or not name
                    or name == "-"
                    or "{{" in name
                    or guessed(name)
                ):
                    continue
                if not name.startswith(LOCAL_PATH) and name not in known:
                    yield Problem(
                        release.place(*path, key),
                        f"{'.'.join(map(str, (*path, key)))} is {quoted(name)}; the platform has"
                        f" {LOCAL_PATH}",
                    )


@rule(
    "claims.access-mode",
    "A claim is for one node only",
    level=2,
    why="The platform's volumes are folders on the server's disk: with any access mode but "
    "ReadWriteOnce no volume is created, and the app waits forever.",
    source=_PROVISIONER,
    fix="Use accessModes: [ReadWriteOnce]. Pods on the same server can still share the volume.",
    example="""
spec:
  accessModes: [ReadWriteOnce]
""",
)
def access_mode(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim of the platform's class with another mode."""
    yield from each(app, _strange_modes)


def _strange_modes(cluster: Cluster) -> Iterator[Problem]:
    for claim in claims(cluster):
        name = claim.storage_class
        if claim.bound or not (name is None or name.startswith(LOCAL_PATH)):
            continue
        for index, mode in enumerate(claim.modes):
            if mode not in ONE_NODE:
                yield Problem(
                    claim.place("spec", "accessModes", index),
                    f"claim {claim.name} asks for {quoted(mode)}, which {LOCAL_PATH} does not have",
                )
    for release in unknown_charts(cluster):
        for path, value in persistence(release):
            names = [str(value[key]) for key in _CLASS_KEYS if value.get(key)]
            if any(not name.startswith(LOCAL_PATH) for name in names):
                continue
            modes = [value.get("accessMode"), *sequence(value.get("accessModes"))]
            for mode in modes:
                if mode in ("ReadWriteMany", "ReadOnlyMany"):
                    key = "accessMode" if value.get("accessMode") == mode else "accessModes"
                    yield Problem(
                        release.place(*path, key),
                        f"{'.'.join(map(str, (*path, key)))} has {mode}, which {LOCAL_PATH} does"
                        " not have",
                    )


@rule(
    "claims.spec",
    "A claim states its size and its access mode",
    level=2,
    why="Kubernetes refuses a claim without a size or an access mode.",
    source=f"{_VOLUMES}#persistentvolumeclaims",
    fix="Add accessModes and resources.requests.storage.",
    example="""
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 1Gi
""",
)
def claim_spec(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that lacks one."""
    yield from each(app, _half_claims)


def _half_claims(cluster: Cluster) -> Iterator[Problem]:
    for claim in claims(cluster):
        size = claim.get("spec", "resources", "requests", "storage")
        wanting = [] if size or size == 0 else ["resources.requests.storage"]
        wanting += [] if claim.modes else ["accessModes"]
        if wanting:
            yield Problem(
                claim.place("spec"), f"claim {claim.name} has no {' and no '.join(wanting)}"
            )


@rule(
    "claims.missing",
    "Every claim that a pod names exists",
    level=2,
    why="A pod whose claim does not exist waits for it forever.",
    source=f"{_VOLUMES}#claims-as-volumes",
    fix="Correct the name, or add the PersistentVolumeClaim in the namespace of the pod.",
    example="""
kind: PersistentVolumeClaim
metadata:
  name: notes-data # as in persistence.existingClaim of the values
""",
)
def claim_missing(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that nothing makes."""
    yield from each(app, _missing)


def _missing(cluster: Cluster) -> Iterator[Problem | NotRun]:
    for mount, answer in absent(cluster):
        if answer.state is State.UNKNOWN:
            yield NotRun(f"nothing in PATH creates claim {mount.claim[:200]}")
            continue
        place = mount.pod.place(*mount.path)
        yield Problem(
            origin(cluster, mount.pod.workload, mount.claim, place),
            f"volume {mount.volume} is claim {quoted(mount.claim)}, which nothing creates"
            f"{answer.hint}",
        )
    for one in handed(cluster):
        detail = lost(cluster, one)
        if detail is not None:
            yield Problem(
                one.place,
                f"{'.'.join(map(str, one.path))} is {quoted(one.name)}, and the package has no "
                f"such claim{detail}",
            )


@rule(
    "claims.unused",
    "Every claim is mounted",
    level=2,
    why="The volume of a claim is created when a pod mounts it: until then the claim is Pending, "
    "and Flux waits for it. The app's data is somewhere else, in no backup.",
    source="https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode",
    fix="Name the claim in the chart's values (often persistence.existingClaim), or remove it.",
    example="""
persistence:
  existingClaim: notes-data
""",
)
def claim_unused(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that nothing names."""
    yield from each(app, _unused)


def _unused(cluster: Cluster) -> Iterator[Problem]:
    broken = any(True for _ in absent(cluster)) or any(
        lost(cluster, one) is not None for one in handed(cluster)
    )
    if broken or not cluster.complete:
        return  # the wrong name is the finding; or a chart elsewhere may know the claim's name
    named = {mount.claim for pod in cluster.pods for mount in mounts_of(pod)}
    for claim in claims(cluster):
        if claim.manifest.kind != CLAIM or claim.name in named or _of_stateful_set(cluster, claim):
            continue
        if not used_by_name(cluster, claim.name):
            yield Problem(
                claim.place("metadata", "name"),
                f"claim {claim.name} is not mounted by any pod, and no value names it",
            )


def _of_stateful_set(cluster: Cluster, claim: Claim) -> bool:
    """Return whether a StatefulSet takes a claim by its name, as one that it has made itself."""
    return any(
        claim.name.startswith(f"{other.name}-{other.manifest.name}-")
        for other in claims(cluster)
        if other.path
    )

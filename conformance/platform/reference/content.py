"""What is in the Git repository, including Flux's own manifests."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from conformance.common.errors import HarnessError
from conformance.components.builder import Components
from conformance.kube.objects import Object

CONTROLLERS = ("source-controller", "kustomize-controller", "helm-controller")
FLUX_MANIFEST = "flux2/infrastructure/flux/gotk-components.yaml"
ROOT_KUSTOMIZATION = "flux2/kustomization.yaml"
VELERO_CRDS = "charts/velero/crds"
INFRASTRUCTURE = "flux2/infrastructure"
PLATFORM_CHARTS = (
    "dashboard", "hydra", "kratos", "local-path-provisioner", "mail", "nginx", "object-store",
    "operator", "single-sign-on-database", "velero",
)  # fmt: skip
"""Folders of charts/ that are not an app's."""
_RENDER_TIMEOUT = 60.0
"""Seconds; measured 0.5."""

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast, if PyYAML has it: the manifests are 400 kB."""
_EVERYWHERE = (
    # The default delays of retries are meant for clusters that nobody waits for. Each new object
    # gets the shortest one, once it has its finalizer.
    "--min-retry-delay=50ms",
    "--max-retry-delay=10s",
    "--requeue-dependency=1s",
    "--concurrent=8",
)
_WATCHED = "--watch-configs-label-selector=owner!=helm"
"""A changed override takes effect at once, not at the next interval.

Not so a changed variable: kustomize-controller would apply anew all that the Kustomizations with
this variable depend on, and until it has, everything else that depends on these waits.
"""
_ARGUMENTS = {
    "source-controller": _EVERYWHERE,
    "kustomize-controller": (
        *_EVERYWHERE,
        # The next good commit ends the wait for the health of a bad one. An undefined variable is
        # an error that names it; by default it would be replaced by an empty string.
        "--feature-gates=CancelHealthCheckOnNewRevision=true,StrictPostBuildSubstitutions=true",
    ),
    "helm-controller": (*_EVERYWHERE, _WATCHED),
}
_COLLECT_LESS = {"name": "GOGC", "value": "400"}
"""Collect garbage at five times the live heap (30 MB) instead of at twice that."""
_UNWANTED = "--enable-leader-election"
"""With one replica it only costs time: a restarted controller waits 35 s for the lease."""


def repository_files(root: Path) -> dict[str, bytes]:
    """Return the files to commit, path to content, from a folder with charts/ and fixtures/."""
    files: dict[str, bytes] = {}
    for source, target in (("charts", "charts"), ("fixtures/flux2", "flux2")):
        folder = root / source
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                files[f"{target}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    return files


def flux_file(manifests: list[Object]) -> dict[str, bytes]:
    """Return the file with Flux's own manifests that is committed, so that Flux manages itself.

    It has no CRDs, which the bootstrap installs: at every commit Flux would compare 400 kB of
    schemas, and every app waits for the Kustomization that this file is in.
    """
    kept = [item for item in manifests if item["kind"] != "CustomResourceDefinition"]
    return {FLUX_MANIFEST: yaml.safe_dump_all(kept, sort_keys=False).encode()}


def velero_crds(components: Components) -> dict[str, bytes]:
    """Return what Velero's chart lacks: the custom resource definitions of Velero's source."""
    folder = components.path("velero") / "manifests" / "crd"
    return {f"{VELERO_CRDS}/{path.name}": path.read_bytes() for path in folder.rglob("*.yaml")}


def listed(kustomization: str, *, add: str | None = None, remove: str | None = None) -> str:
    """Return the root kustomization.yaml with an entry added or removed, if need be."""
    content: Object = yaml.safe_load(kustomization)
    entries = [entry for entry in content["resources"] if entry != remove]
    if add is not None and add not in entries:
        entries.append(add)
    if entries == content["resources"]:
        return kustomization
    return str(yaml.safe_dump({**content, "resources": entries}, sort_keys=False))


def flux_manifests(components: Components, namespace: str = "flux-system") -> list[Object]:
    """Render Flux's controllers from the manifests of their own modules.

    Raises ``HarnessError`` if kubectl cannot render them.
    """
    with tempfile.TemporaryDirectory(prefix="flux-") as folder:
        images = []
        for name in CONTROLLERS:
            shutil.copytree(components.path(name) / "manifests", Path(folder, name))
            reference, _, tag = components.image_reference(f"image-{name}").rpartition(":")
            images.append({"name": f"fluxcd/{name}", "newName": reference, "newTag": tag})
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": namespace,
            "resources": [
                f"{name}/{part}" for name in CONTROLLERS for part in ("crd", "rbac", "manager")
            ],
            "images": images,
        }
        Path(folder, "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        manifests = rendered(components, Path(folder), "Flux's manifests")
    for item in manifests:
        if item["kind"] == "Deployment":
            _tune(item)
    return manifests


def rendered(components: Components, folder: Path, what: str) -> list[Object]:
    """Return what kustomize makes of a folder; ``what`` that is, for the error.

    Raises ``HarnessError`` if it is refused.
    """
    argv = [str(components.binary("kubectl")), "kustomize", str(folder)]
    result = subprocess.run(argv, capture_output=True, timeout=_RENDER_TIMEOUT, check=False)
    if result.returncode != 0:
        raise HarnessError(
            f"kubectl cannot render {what}: {result.stderr.decode().strip()}",
            "`kubectl kustomize` says the same of the folder; of the suite's own manifests, "
            "`stackspin-conformance components build` for the controllers, then run again",
        )
    return [item for item in yaml.load_all(result.stdout, _LOADER) if item]


def _tune(deployment: Object) -> None:
    pod = deployment["spec"]["template"]["spec"]
    for volume in pod["volumes"]:
        # Each reconciliation unpacks the repository and deletes it again. On ext4, which searches
        # for an inode that was not freed recently, that took most of the controllers' time.
        volume["emptyDir"] = {"medium": "Memory"}
    container = pod["containers"][0]
    kept = [item for item in container["args"] if item != _UNWANTED]
    container["args"] = [*kept, *_ARGUMENTS[deployment["metadata"]["name"]]]
    container["env"].append(_COLLECT_LESS)
    container["readinessProbe"]["periodSeconds"] = 1

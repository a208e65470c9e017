"""A small repository of a platform's maintainer, for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from conformance.platform.reference.described import FILE as DESCRIPTION

KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: NAME, namespace: flux-system}
spec:
  interval: 1h
  path: ./flux2/NAME
  prune: true
  sourceRef: {kind: GitRepository, name: stackspin}
"""
REPOSITORY = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: vendor, namespace: flux-system}
spec:
  interval: 1h
  url: https://charts.example.org/
"""
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: velero, namespace: velero}
spec:
  interval: 1h
  chart:
    spec:
      chart: velero
      version: 9.x
      sourceRef: {kind: HelmRepository, name: vendor, namespace: flux-system}
"""
FILES = {
    "flux2/kustomization.yaml": (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        "resources: [sources.yaml, velero.yaml]\n"
    ),
    "flux2/sources.yaml": REPOSITORY,
    "flux2/velero.yaml": KUSTOMIZATION.replace("NAME", "velero"),
    "flux2/velero/release.yaml": RELEASE,
    "flux2/unused/release.yaml": RELEASE.replace("vendor", "unused"),
    "flux2/unused/sources.yaml": REPOSITORY.replace("vendor", "unused"),
}


def write(folder: Path, files: dict[str, str] = FILES) -> Path:
    """Write a repository with the reference platform's description; return its folder."""
    for path, text in {"platform.yaml": DESCRIPTION.read_text(), **files}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def git(folder: Path, *arguments: str) -> None:
    """Run git in a repository of a test's."""
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def committed(folder: Path, branch: str = "main") -> Path:
    """Write a repository, and commit it; return its folder."""
    write(folder)
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    return folder


def chart(folder: Path, name: str) -> Path:
    """Write a chart below a folder; return the folder."""
    (folder / name).mkdir(parents=True)
    (folder / name / "Chart.yaml").write_text(
        yaml.safe_dump({"apiVersion": "v2", "name": name, "version": "9.1.0"})
    )
    return folder

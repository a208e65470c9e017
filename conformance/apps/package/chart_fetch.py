"""``--fetch``: charts from their own address, into the cache.

Each is kept with its digest. What a repository's index or a registry's manifest says of a chart's
digest is compared with what was sent, and so is what the cache remembers of it.
https://helm.sh/docs/topics/chart_repository/ and https://helm.sh/docs/topics/registries/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import yaml

from conformance.apps.package.downloads import Downloads
from conformance.common.errors import HarnessError
from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.deadline import TooLongError, at_most
from conformance.linter.elsewhere import Origin
from conformance.linter.limits import MEBIBYTE
from conformance.oci.reference import Reference

_INDEX_BYTES = 50 * MEBIBYTE
_CHART_BYTES = 10 * MEBIBYTE
"""What Flux itself takes: https://fluxcd.io/flux/components/source/options/ (max-size)."""
_MANIFEST_BYTES = MEBIBYTE
_SECONDS = 120.0
"""For all of one chart; to read an index of 20 MiB takes 25 s of computing alone."""
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_DOCKER_HUB = {"docker.io": "registry-1.docker.io"}
"""Names of registries whose API is at another host."""
_CHECK = "check the address and the version in a browser, or name a chart in conformance.yaml"


class ChartFetcher:
    """Fetches charts, each once."""

    def __init__(self, cache: Path) -> None:
        """``cache`` is the suite's cache folder."""
        self._folder = cache / "charts"

    def __call__(self, origin: Origin) -> Path:
        """Return the archive of a chart. Raises HarnessError with why there is none."""
        described = json.dumps([origin.url, origin.name, origin.version, origin.digest])
        name = hashlib.sha256(described.encode()).hexdigest()[:32]
        archive, digest = self._folder / f"{name}.tgz", self._folder / f"{name}.sha256"
        known = digest.read_text().strip() if digest.is_file() else ""
        if known and archive.is_file() and _sha256(archive.read_bytes()) == known:
            return archive
        try:
            with at_most(_SECONDS):
                content = _fetched(origin, Downloads())
        except TooLongError:
            raise HarnessError(f"{origin}: it took longer than {_SECONDS:g} s", _CHECK) from None
        if known and _sha256(content) != known:
            raise HarnessError(
                f"{origin} is not what it was: its SHA-256 was {known}, and is {_sha256(content)}",
                f"find out who has changed a version that is published; then remove {digest}",
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(archive, content)
        _write(digest, _sha256(content).encode())
        return archive


def _fetched(origin: Origin, downloads: Downloads) -> bytes:
    if origin.url.startswith("oci://"):
        address = "/".join(filter(None, (origin.url.removeprefix("oci://"), origin.name)))
        return _of_registry(address, origin, downloads)
    return _of_repository(origin, downloads)


def _of_repository(origin: Origin, downloads: Downloads) -> bytes:
    """Return a chart of a Helm repository: what the repository's index says of its version."""
    base = f"{origin.url.rstrip('/')}/"
    entry = _entry(downloads.get(f"{base}index.yaml", _INDEX_BYTES), origin)
    address = next((one for one in sequence(entry.get("urls")) if isinstance(one, str)), "")
    if address.startswith("oci://"):
        return _of_registry(address.removeprefix("oci://"), origin, downloads)
    content = downloads.get(urljoin(base, address), _CHART_BYTES)
    digest = text(entry.get("digest")).removeprefix("sha256:")
    if digest and digest != _sha256(content):
        raise HarnessError(
            f"{origin} has not the digest of the repository's index: that is {digest}, and its "
            f"SHA-256 is {_sha256(content)}",
            "tell those who publish it",
        )
    return content


def _entry(index: bytes, origin: Origin) -> Mapping[str, Any]:
    """Return what an index says of a version."""
    try:
        found = yaml.load(index, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError):
        raise HarnessError(f"the index of {origin.url} is not valid YAML", _CHECK) from None
    versions = sequence(get(found, "entries", origin.name))
    for entry in versions:
        if str(get(entry, "version")).removeprefix("v") == origin.version.removeprefix("v"):
            return mapping(entry)
    there = "no such version" if versions else "no such chart"
    raise HarnessError(f"{origin}: the repository's index has {there}", _CHECK)


def _of_registry(address: str, origin: Origin, downloads: Downloads) -> bytes:
    """Return a chart of a registry: the layer of its manifest that is one."""
    named = Reference.parse(address)
    host, _, repository = named.repository.partition("/")
    scheme = "http" if origin.insecure else "https"
    base = f"{scheme}://{_DOCKER_HUB.get(host, host)}/v2/{repository}"
    # A tag has no plus: https://helm.sh/docs/topics/registries/
    version = origin.digest or (named.tag or origin.version).replace("+", "_")
    content = downloads.get(f"{base}/manifests/{version}", _MANIFEST_BYTES, accept=_MANIFEST)
    if origin.digest and origin.digest != f"sha256:{_sha256(content)}":
        raise HarnessError(f"{origin}: the registry sent another manifest", _CHECK)
    try:
        layers = sequence(get(json.loads(content), "layers"))
    except (ValueError, RecursionError):
        layers = ()
    digests = [text(get(one, "digest")) for one in layers if get(one, "mediaType") == _CHART_LAYER]
    if len(digests) != 1:
        raise HarnessError(f"{origin} is not a chart: its manifest has no layer of one", _CHECK)
    chart = downloads.get(f"{base}/blobs/{digests[0]}", _CHART_BYTES)
    if digests[0] != f"sha256:{_sha256(chart)}":
        raise HarnessError(f"{origin}: the registry sent other bytes than {digests[0]}", _CHECK)
    return chart


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write a file, so that others never see a part of it."""
    part = path.with_name(f"{path.name}.{hashlib.sha256(content).hexdigest()[:8]}")
    part.write_bytes(content)
    part.replace(path)

"""Client of a container registry (OCI distribution specification v1.1).

Libraries that were tried: oras 0.2 does not compare a blob with its digest and knows no index of
platforms; python-dxf 12 refuses a login at a registry of this machine, has no prefix of a mirror
and does not read Docker's configuration. Both keep one token, whichever repository it is for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from conformance.common.errors import HarnessError
from conformance.common.timeouts import Timeouts
from conformance.common.transcript import record
from conformance.oci.reference import Reference, digest_of

MAX_MANIFEST_BYTES = 4 * 1024**2
"""What a registry has to accept at least (specification, "Pushing Manifests"): none is larger."""
_PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Statuses of a trouble that may pass."""
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


class RegistryTroubleError(HarnessError):
    """The registry does not answer, or not now: another try may help."""


class WrongBytesError(HarnessError):
    """A registry, or whoever is between, sent something else than its digest says."""


class Registry:
    """The registry at ``address`` (``host:port``): of a cluster by plain HTTP, else ``secure``.

    Repository ``docker.io/library/x`` holds the image of that name; ``prefix`` is put before every
    repository. Every method raises HarnessError when the registry does not answer, or not as the
    specification says; RegistryTroubleError where another try may help.
    """

    def __init__(
        self,
        address: str,
        *,
        secure: bool = False,
        prefix: str = "",
        auth: AuthBase | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.address = address
        self._url = f"{'https' if secure else 'http'}://{address}/v2"
        self._base = f"{self._url}/{prefix}".rstrip("/")
        self._timeout = (timeouts or Timeouts()).http
        self._session = requests.Session()
        # One that speaks plain HTTP is never behind this machine's proxy.
        self._session.trust_env = secure
        self._session.auth = auth
        self._session.headers["Accept-Encoding"] = "identity"  # digests are of what is kept there
        self._hint = "" if secure else "is it running? `stackspin-conformance cluster list`"

    def answers(self) -> bool:
        """Return whether there is a registry, be it one that wants a login."""
        try:
            self._ask("GET", f"{self._url}/", expect=(200, 401))
        except HarnessError:
            return False
        return True

    def push_layout(self, layout: Path, reference: str) -> str:
        """Upload the image of an OCI layout folder as ``reference``; return its digest.

        Blobs that the registry has are not sent again.
        """
        wanted = Reference.parse(reference)
        described = manifest_of(layout, wanted)
        content = blob_of(layout, described["digest"]).read_bytes()
        manifest = json.loads(content)
        for blob in (manifest["config"], *manifest["layers"]):
            self._upload(wanted.repository, blob["digest"], blob_of(layout, blob["digest"]))
        media_type = manifest.get("mediaType", described["mediaType"])
        self._put_manifest(wanted.repository, wanted.version, content, media_type)
        return str(described["digest"])

    def copy_to(self, other: Registry, reference: str) -> str:
        """Upload an image to another registry under the same name; return its digest."""
        wanted = Reference.parse(reference)
        content, media_type = self.manifest(wanted)
        manifest = self._image_manifest(wanted)
        for blob in (manifest["config"], *manifest["layers"]):
            self._copy_blob(other, wanted.repository, blob["digest"])
        other._put_manifest(wanted.repository, wanted.version, content, media_type)
        return digest_of(content)

    def exists(self, reference: str) -> bool:
        """Return whether the registry has a manifest by this tag or digest."""
        wanted = Reference.parse(reference)
        answer = self._ask("HEAD", _manifest_path(wanted), headers=_accept(), expect=(200, 404))
        return answer.status_code == 200

    def digest(self, reference: str) -> str:
        """Return the digest (``sha256:...``) that a tag stands for."""
        return digest_of(self.manifest(Reference.parse(reference))[0])

    def tags(self, repository: str) -> list[str]:
        """Return the sorted tags of a repository, none when there is no such repository."""
        found: list[str] = []
        url: str | None = f"{repository}/tags/list"
        while url:
            answer = self._ask("GET", url, expect=(200, 404))
            if answer.status_code == 404:
                return []
            found.extend(answer.json()["tags"] or [])
            following = answer.links.get("next", {}).get("url")
            url = urljoin(answer.url, following) if following else None
        return sorted(found)

    def tag(self, reference: str, new_tag: str) -> str:
        """Give the image ``reference`` another tag in its repository; return its digest.

        The manifest's bytes stay the same, so the new tag has the very same digest.
        """
        wanted = Reference.parse(reference)
        content, media_type = self.manifest(wanted)
        self._put_manifest(wanted.repository, new_tag, content, media_type)
        return digest_of(content)

    def config(self, reference: str) -> dict[str, Any]:
        """Return an image's configuration (image-spec, config.md): env, entrypoint, history."""
        wanted = Reference.parse(reference)
        digest = self._image_manifest(wanted)["config"]["digest"]
        with self.blob(wanted.repository, digest) as content:
            config: dict[str, Any] = json.loads(content.read())
        return config

    def layers(self, reference: str) -> Iterator[IO[bytes]]:
        """Yield an image's layers, base first, as tar or compressed tar streams."""
        wanted = Reference.parse(reference)
        for layer in self._image_manifest(wanted)["layers"]:
            with self.blob(wanted.repository, layer["digest"]) as content:
                yield content

    @contextlib.contextmanager
    def blob(self, repository: str, digest: str) -> Iterator[IO[bytes]]:
        """Yield a blob as a stream; a wrong hash is an error when its end is reached."""
        answer = self._ask("GET", f"{repository}/blobs/{digest}", stream=True)
        with answer:
            yield _Verified(answer, digest, self._reading)  # type: ignore[misc]

    def manifest(self, wanted: Reference) -> tuple[bytes, str]:
        """Return a manifest's bytes, which are those of its digest, and its media type."""
        answer = self._ask("GET", _manifest_path(wanted), headers=_accept(), stream=True)
        with answer, self._reading():
            content: bytes = answer.raw.read(MAX_MANIFEST_BYTES + 1)
        if len(content) > MAX_MANIFEST_BYTES:
            raise HarnessError(f"{self.address} sent a manifest of more than 4 MiB")
        if wanted.digest and digest_of(content) != wanted.digest:
            raise WrongBytesError(f"{self.address} sent another manifest than {wanted.digest}")
        return content, answer.headers.get("Content-Type", "")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Say what went wrong while a body was read."""
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise RegistryTroubleError(f"the registry {self.address} broke off: {error}") from error

    def _image_manifest(self, wanted: Reference) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.manifest(wanted)[0])
        if "layers" not in manifest:
            raise HarnessError(
                f"{wanted.repository}:{wanted.version} is not an image manifest but "
                f"{manifest.get('mediaType', 'something else')}"
            )
        return manifest

    def _put_manifest(self, repository: str, version: str, content: bytes, media_type: str) -> None:
        self._ask(
            "PUT",
            f"{repository}/manifests/{version}",
            data=content,
            headers={"Content-Type": media_type},
            expect=(201,),
        )

    def _copy_blob(self, other: Registry, repository: str, digest: str) -> None:
        if other._has_blob(repository, digest):
            return
        with tempfile.TemporaryDirectory(prefix="blob-") as folder:
            path = Path(folder, "blob")
            with self.blob(repository, digest) as sent, path.open("wb") as file:
                shutil.copyfileobj(sent, file)
            other._upload(repository, digest, path)

    def _has_blob(self, repository: str, digest: str) -> bool:
        there = self._ask("HEAD", f"{repository}/blobs/{digest}", expect=(200, 404))
        return there.status_code == 200

    def _upload(self, repository: str, digest: str, path: Path) -> None:
        """Send one blob in one piece, streamed; the registry refuses it when the hash differs."""
        if self._has_blob(repository, digest):
            return
        begun = self._ask("POST", f"{repository}/blobs/uploads/", expect=(202,))
        location = urljoin(begun.url, begun.headers["Location"])
        with path.open("rb") as content:
            self._ask(
                "PUT",
                location,
                params={"digest": digest},
                data=content,
                headers={"Content-Type": "application/octet-stream"},
                expect=(201,),
            )

    def _ask(
        self,
        method: str,
        path: str,
        *,
        expect: tuple[int, ...] = (200,),
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        data: IO[bytes] | bytes | None = None,
        stream: bool = False,
    ) -> requests.Response:
        url = path if "://" in path else f"{self._base}/{path}"
        try:
            answer = self._session.request(
                method,
                url,
                headers=headers,
                params=params,
                data=data,
                stream=stream,
                timeout=self._timeout,
            )
        except requests.RequestException as error:
            raise RegistryTroubleError(
                f"the registry {self.address} does not answer: {error}", self._hint
            ) from error
        asked = f"{method} {self.address}{urlsplit(url).path}"
        record(asked, f"{answer.status_code} {answer.headers.get('Content-Type', '')}".rstrip())
        if answer.status_code not in expect:
            text = answer.text[:300] if not stream else ""
            answer.close()
            raise (RegistryTroubleError if answer.status_code in _PASSING else HarnessError)(
                f"the registry {self.address} answered {answer.status_code} to {method} "
                f"{url.removeprefix(self._url)}: {text}"
            )
        return answer


class _Verified:
    """A response's body as a file that is hashed while it is read."""

    def __init__(
        self,
        answer: requests.Response,
        digest: str,
        reading: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        self._raw = answer.raw
        self._reading = reading
        self._digest = digest
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read as a file does."""
        with self._reading():
            data: bytes = self._raw.read(None if size < 0 else size)
        self._sha256.update(data)
        if (size < 0 or (size and not data)) and (
            f"sha256:{self._sha256.hexdigest()}" != self._digest
        ):
            raise WrongBytesError(f"the registry sent other bytes than {self._digest}")
        return data


def manifest_of(layout: Path, wanted: Reference) -> dict[str, Any]:
    """Return the descriptor of the layout's image: its only one, else the one of this tag."""
    manifests: list[dict[str, Any]] = json.loads((layout / "index.json").read_text())["manifests"]
    if len(manifests) == 1:
        return manifests[0]
    for one in manifests:
        if one.get("annotations", {}).get("org.opencontainers.image.ref.name") == wanted.tag:
            return one
    raise HarnessError(f"the layout {layout} has no image tagged {wanted.tag}")


def blob_of(layout: Path, digest: str) -> Path:
    """Return the path of a blob in a layout folder."""
    algorithm, _, value = digest.partition(":")
    return layout / "blobs" / algorithm / value


def _manifest_path(wanted: Reference) -> str:
    return f"{wanted.repository}/manifests/{wanted.version}"


def _accept() -> dict[str, str]:
    return {"Accept": ", ".join(_MANIFESTS)}

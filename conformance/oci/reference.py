"""Names of images, and the digests of what registries keep."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """An image reference: ``docker.io/library/x:1``, ``x@sha256:...`` or both forms in one."""

    repository: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Split a reference; a tag's colon stands after the last slash."""
        rest, _, digest = text.partition("@")
        folder, slash, last = rest.rpartition("/")
        name, _, tag = last.partition(":")
        return cls(f"{folder}{slash}{name}", tag or None, digest or None)

    @property
    def version(self) -> str:
        """The digest, else the tag, else latest: what the manifest is asked for by."""
        return self.digest or self.tag or "latest"


def digest_of(content: bytes) -> str:
    """Return the digest (``sha256:...``) of a manifest or another blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"

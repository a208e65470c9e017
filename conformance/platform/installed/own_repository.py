"""The suite's own Git repository on a platform of others: a second source of its Flux."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.kube.client import Kube
from conformance.platform.installed.relocation import TREE, Relocation
from conformance.services.git import Credential, GitServer


class OwnRepository(GitServer):
    """What is committed to it is moved to the run's own namespaces."""

    def __init__(
        self,
        relocation: Relocation,
        kube: Kube,
        namespace: str,
        url: str,
        reader: Credential,
        pusher: Credential,
    ) -> None:
        super().__init__(kube, namespace, url, reader, pusher)
        self._relocation = relocation
        self._known: dict[str, str] = {}

    def commit(
        self,
        changes: Mapping[str, str | bytes | None],
        message: str,
        branch: str = "main",
        *,
        start: str = "main",
    ) -> str:
        """Commit as ``Repository.commit`` does."""
        with self.lock:
            for path, content in changes.items():
                if content is None:
                    self._known.pop(path, None)
                elif path.startswith(TREE) or path.endswith("/values.yaml"):
                    text = content if isinstance(content, str) else content.decode(errors="replace")
                    self._known[path] = text
            return super().commit(self.moved(changes), message, branch, start=start)

    def moved(self, changes: Mapping[str, str | bytes | None]) -> Mapping[str, str | bytes | None]:
        """Return changes as they are committed."""
        return self._relocation.moved(changes, self._known)

"""Users who write without a pause and remember what the app has acknowledged."""

from __future__ import annotations

import itertools
import threading
from types import TracebackType

import requests

from conformance.apps.deployment import HelmDeployment
from conformance.apps.wordpress import WordPress


class Writer:
    """Adds notes in a thread, from entering the context until leaving it, or the first error."""

    PREFIX = "acknowledged "
    """With which the text of each of its notes begins."""

    def __init__(self, deployment: HelmDeployment) -> None:
        self.acknowledged: list[str] = []
        """Text of each note whose creation was answered with 201."""
        self.refusal: int | None = None
        """HTTP status with which the app refused a note, if it did."""
        self._url = f"https://{deployment.host}/api/notes"
        self._http = deployment.http
        self._timeouts = deployment.kube.timeouts
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, name="writer", daemon=True)

    def __enter__(self) -> Writer:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write until the app is gone, then stop."""
        if kind is None:
            self._thread.join(self._timeouts.command)
        self._ended.set()
        self._thread.join(self._timeouts.http)

    def stop(self) -> None:
        """Write no more, though the app would still take it."""
        self._ended.set()

    def wait_until_acknowledged(self, count: int) -> None:
        """Return when at least ``count`` notes are acknowledged. Raises AssertionError."""
        with self._changed:
            enough = self._changed.wait_for(
                lambda: len(self.acknowledged) >= count or not self._thread.is_alive(),
                timeout=self._timeouts.command,
            )
        found = len(self.acknowledged)
        if not enough or found < count:
            raise AssertionError(f"the app acknowledged {found} of {count} notes")

    def _add(self, text: str) -> requests.Response:
        return self._http.post(self._url, json={"text": text})

    def _write(self) -> None:
        for number in itertools.count():
            text = f"{self.PREFIX}{number}"
            try:
                answer = self._add(text)
            except requests.RequestException:
                break
            if answer.status_code != requests.codes.created:
                self.refusal = answer.status_code
                break
            if self._ended.is_set():
                break
            with self._changed:
                self.acknowledged.append(text)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


class Author(Writer):
    """Publishes posts on WordPress as a ``Writer`` adds notes."""

    def __init__(self, deployment: HelmDeployment, app: WordPress) -> None:
        super().__init__(deployment)
        self.credential = app.application_password(deployment.instance)
        self._url = f"https://{deployment.host}/wp-json/wp/v2/posts"

    def _add(self, text: str) -> requests.Response:
        post = {"title": text, "status": "publish"}
        return self._http.post(self._url, json=post, auth=self.credential)


def writer_of(deployment: HelmDeployment) -> Writer:
    """Return a user of the app."""
    app = deployment.app
    return Author(deployment, app) if isinstance(app, WordPress) else Writer(deployment)

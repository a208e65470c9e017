"""What a check changes of an object that is not the run's, noted so that it is put back.

The note is a Secret beside the object, as a Secret may be what was changed: it has the patch that
makes the object what it was. A run that is killed meanwhile leaves the note; the next run on a
platform of others, and ``stackspin-conformance platform clean``, do what it says.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from conformance.kube.errors import NotFound
from conformance.kube.objects import Object, Objects, Ref
from conformance.platform.namespaces import RUN_LABEL

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.platform.clients import Clients

CHANGE_LABEL = "conformance.stackspin.net/change"
"""Of the notes, beside the run's label."""
_WHICH, _PATCH = "object", "put-back"


@contextmanager
def put_back(clients: Clients, which: Ref, patch: Object) -> Iterator[None]:
    """Within the body an object with a namespace may be changed; ``patch`` makes it what it was.

    It is a merge patch (RFC 7396), applied also if the body fails. Raises ``ApiError`` and
    ``Unreachable``; the note stays if the object cannot be put back.
    """
    kube = clients.kube
    note = kube.create(_note(which, patch, clients.run_id))
    try:
        yield
    finally:
        undo(kube, note)


def noted(kube: Kube) -> Objects:
    """Return the notes of all namespaces: of changes that go on, or that a killed run has left."""
    return kube.list("v1", "Secret", labels=CHANGE_LABEL)


def object_of(note: Object) -> Ref:
    """Return which object a note is about."""
    return Ref(*json.loads(_text(note, _WHICH)))


def undo(kube: Kube, note: Object) -> None:
    """Make an object what it was before, unless it is gone, and remove the note.

    Raises ``ApiError`` and ``Unreachable``; the note is still there then.
    """
    with suppress(NotFound):
        kube.patch(*object_of(note), json.loads(_text(note, _PATCH)))
    metadata = note["metadata"]
    kube.delete("v1", "Secret", metadata["name"], metadata["namespace"])


def _note(which: Ref, patch: Object, run_id: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "generateName": f"{which.name[:40]}-as-before-",
            "namespace": which.namespace,
            "labels": {RUN_LABEL: run_id, CHANGE_LABEL: which.kind},
        },
        "stringData": {_WHICH: json.dumps(which), _PATCH: json.dumps(patch)},
    }


def _text(note: Object, key: str) -> str:
    return base64.b64decode(note["data"][key]).decode()

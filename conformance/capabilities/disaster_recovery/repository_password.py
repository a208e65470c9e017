"""The password by which the data in the bucket is encrypted, and another one."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.kube.objects import Ref
from conformance.platform.changes import put_back

if TYPE_CHECKING:
    from conformance.platform.clients import Clients

SECRET, KEY = "velero-repo-credentials", "repository-password"
"""Where Velero has it: https://velero.io/docs/v1.18/file-system-backup/"""
REFUSAL = "invalid repository password"
"""What kopia says of another one: https://github.com/kopia/kopia/tree/master/repo/format"""


@contextlib.contextmanager
def other_repository_password(clients: Clients, namespace: str) -> Iterator[None]:
    """Let Velero, which is in ``namespace``, have another password than its backups were made with.

    The pods that copy a volume read it when they start. Raises ``NotFound``.
    """
    secret = Ref("v1", "Secret", SECRET, namespace)
    before = clients.kube.get(*secret)["data"][KEY]
    other = base64.b64encode(b"another " + base64.b64decode(before)).decode()
    with put_back(clients, secret, {"data": {KEY: before}}):
        clients.kube.patch(*secret, {"data": {KEY: other}})
        yield

"""The password by which the data in the bucket is encrypted, and another one."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.kube.objects import Ref

if TYPE_CHECKING:
    from conformance.kube.client import Kube

SECRET, KEY = "velero-repo-credentials", "repository-password"
"""Where Velero has it: https://velero.io/docs/v1.18/file-system-backup/"""
REFUSAL = "invalid repository password"
"""What kopia says of another one: https://github.com/kopia/kopia/tree/master/repo/format"""


@contextlib.contextmanager
def other_repository_password(kube: Kube, namespace: str) -> Iterator[None]:
    """Let Velero, which is in ``namespace``, have another password than its backups were made with.

    The pods that copy a volume read it when they start. Raises ``NotFound``.
    """
    secret = Ref("v1", "Secret", SECRET, namespace)
    before = kube.get(*secret)["data"][KEY]
    other = base64.b64encode(b"another " + base64.b64decode(before)).decode()
    try:
        kube.patch(*secret, {"data": {KEY: other}})
        yield
    finally:
        kube.patch(*secret, {"data": {KEY: before}})

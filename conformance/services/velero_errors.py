"""The errors of a backup or restore, which Velero keeps in the store, not in its object.

The object has their number only. The rest is JSON, compressed, in one file per backup or restore:
https://github.com/vmware-tanzu/velero/blob/v1.18.1/pkg/persistence/object_store_layout.go
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import urllib3
from minio.error import MinioException

from conformance.common.errors import HarnessError
from conformance.kube.describe import shorten
from conformance.kube.errors import ApiError

if TYPE_CHECKING:
    from conformance.kube.objects import Object
    from conformance.services.object_store import ObjectStore

_MOST = 10
"""So many errors are told; the rest are counted."""
_UNREADABLE = (
    ApiError, HarnessError, MinioException, urllib3.exceptions.HTTPError,
    OSError, ValueError, zlib.error, KeyError, AttributeError, TypeError,
)  # fmt: skip
"""Of the file, and of the Service and Secret by which the store is reached."""


def errors_of(store: ObjectStore, item: Object) -> list[str]:
    """Return what went wrong with a Backup or Restore, a line each; or why that cannot be read."""
    name = item["metadata"]["name"]
    of_backup = item["kind"] == "Backup"
    file = f"backups/{name}/{name}" if of_backup else f"restores/{name}/restore-{name}"
    try:
        found = json.loads(gzip.decompress(store.read(f"{file}-results.gz")))
        lines = list(_lines(found["errors"]))
    except _UNREADABLE as error:
        return [f"its errors cannot be read from the store: {shorten(str(error))}"]
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return [*map(shorten, lines[:_MOST]), *more]


def _lines(errors: Object) -> Iterator[str]:
    yield from errors.get("velero") or ()
    yield from errors.get("cluster") or ()
    for namespace, messages in (errors.get("namespaces") or {}).items():
        yield from (f"{namespace}: {one}" for one in messages)

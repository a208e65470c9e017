"""The objects behind a backup location, by S3 through the Kubernetes API: seen, copied, damaged."""

from __future__ import annotations

import base64
import contextlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass

from minio import Minio
from minio.deleteobjects import DeleteObject

from conformance.kube.objects import Ref
from conformance.services.in_cluster import InClusterService

_PAUSE = 0.1
"""Seconds between two looks into a bucket."""
_REGION = "us-east-1"
"""Without it, the client would ask for the bucket's region first."""


@dataclass(frozen=True)
class ObjectStore:
    """One bucket of an object store in a cluster. Methods raise ``minio.error.S3Error``."""

    service: InClusterService
    """Where it speaks S3, without TLS."""
    credentials: Ref
    """A Secret with access_key and secret_key."""
    bucket: str

    def objects(self, prefix: str = "") -> dict[str, int]:
        """Return name and size in bytes of every object whose name begins with ``prefix``."""
        with self._client() as client:
            found = client.list_objects(self.bucket, prefix, recursive=True)
            return {str(item.object_name): int(item.size or 0) for item in found}

    def wait_for_more(self, prefix: str, size: int, timeout: float) -> int:
        """Wait until the objects whose name begins with ``prefix`` are more than ``size`` bytes.

        Returns how many they are then. ``timeout`` is in seconds. Raises AssertionError.

        It polls: S3 has no watch, and to MinIO's own (``Minio.listen_bucket_notification``)
        SeaweedFS answers "NotImplemented".
        """
        deadline = time.monotonic() + timeout
        with self._client() as client:
            while (found := _size(client, self.bucket, prefix)) <= size:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{prefix}* is still {found} bytes after {timeout:g} s")
                time.sleep(_PAUSE)
        return found

    def read(self, name: str) -> bytes:
        """Return an object's content."""
        with self._client() as client:
            return _read(client, self.bucket, name)

    def flip(self, name: str, position: int) -> None:
        """Invert one byte of an object."""
        with self._client() as client:
            content = bytearray(_read(client, self.bucket, name))
            content[position] ^= 0xFF
            _write(client, self.bucket, name, bytes(content))

    def delete(self, prefix: str) -> None:
        """Delete every object whose name begins with ``prefix``."""
        with self._client() as client:
            found = client.list_objects(self.bucket, prefix, recursive=True)
            doomed = [DeleteObject(str(item.object_name)) for item in found]
            for error in client.remove_objects(self.bucket, doomed):
                raise AssertionError(f"{error.name} cannot be deleted: {error.message}")

    def copy_to(self, other: ObjectStore, *prefixes: str) -> int:
        """Copy every object whose name begins with one of ``prefixes`` into another store's bucket.

        Returns how many bytes those were.
        """
        with self._client() as source, other._client() as target:
            total = 0
            for prefix in prefixes:
                for item in source.list_objects(self.bucket, prefix, recursive=True):
                    content = _read(source, self.bucket, str(item.object_name))
                    _write(target, other.bucket, str(item.object_name), content)
                    total += len(content)
        return total

    @contextlib.contextmanager
    def _client(self) -> Iterator[Minio]:
        secret = self.service.kube.get(*self.credentials)["data"]
        access, key = (base64.b64decode(secret[name]).decode() for name in _KEYS)
        with self.service.address() as address:
            yield Minio(
                endpoint=address,
                access_key=access,
                secret_key=key,
                secure=False,
                region=_REGION,
            )


_KEYS = ("access_key", "secret_key")


def _size(client: Minio, bucket: str, prefix: str) -> int:
    found = client.list_objects(bucket, prefix, recursive=True)
    return sum(int(item.size or 0) for item in found)


def _read(client: Minio, bucket: str, name: str) -> bytes:
    response = client.get_object(bucket_name=bucket, object_name=name)
    try:
        return response.read()
    finally:
        response.close()
        response.release_conn()


def _write(client: Minio, bucket: str, name: str, content: bytes) -> None:
    client.put_object(
        bucket_name=bucket, object_name=name, data=io.BytesIO(content), length=len(content)
    )

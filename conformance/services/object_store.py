"""The objects behind a backup location, by S3 through the Kubernetes API: seen, copied, damaged."""

from __future__ import annotations

import base64
import contextlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minio import Minio
from minio.datatypes import Object
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from conformance.kube.objects import Ref
from conformance.services.in_cluster import InClusterService

_PAUSE = 0.1
"""Seconds between two looks into a bucket."""
_REGION = "us-east-1"
"""Without it, the client would ask for the bucket's region first."""
_KEYS = ("access_key", "secret_key")
GONE = "NoSuchKey"
"""S3's code where there is no such object."""


@dataclass(frozen=True)
class ObjectStore:
    """One bucket of an object store in a cluster. Methods raise ``minio.error.S3Error``."""

    service: InClusterService
    """Where it speaks S3, without TLS."""
    credentials: Ref
    """A Secret with access_key and secret_key."""
    bucket: str
    prefix: str = ""
    """Of the location in the bucket; names of objects are those below it."""

    def objects(self, prefix: str = "") -> dict[str, int]:
        """Return name and size in bytes of every object whose name begins with ``prefix``."""
        with self._client() as client:
            return {self._name(item): int(item.size or 0) for item in self._below(client, prefix)}

    def wait_for_more(self, prefix: str, size: int, timeout: float) -> int:
        """Wait until the objects whose name begins with ``prefix`` are more than ``size`` bytes.

        Returns how many they are then. ``timeout`` is in seconds. Raises AssertionError.

        It polls: S3 has no watch, and to MinIO's own (``Minio.listen_bucket_notification``)
        SeaweedFS answers "NotImplemented".
        """
        deadline = time.monotonic() + timeout
        with self._client() as client:
            while (found := self._size(client, prefix)) <= size:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{prefix}* is still {found} bytes after {timeout:g} s")
                time.sleep(_PAUSE)
        return found

    def read(self, name: str) -> bytes:
        """Return an object's content."""
        with self._client() as client:
            return self._read(client, name)

    def flip(self, name: str, position: int) -> None:
        """Invert one byte of an object."""
        with self._client() as client:
            content = bytearray(self._read(client, name))
            content[position] ^= 0xFF
            self._write(client, name, bytes(content))

    def delete(self, prefix: str) -> None:
        """Delete every object whose name begins with ``prefix``."""
        with self._client() as client:
            found = self._below(client, prefix)
            doomed = [DeleteObject(str(item.object_name)) for item in found]
            for error in client.remove_objects(self.bucket, doomed):
                raise AssertionError(f"{error.name} cannot be deleted: {error.message}")

    def copy_to(self, other: ObjectStore, *prefixes: str) -> int:
        """Copy every object whose name begins with one of ``prefixes`` into another location.

        What comes later than the look at them is left out, as is what goes away before its turn.
        Returns how many bytes were copied.
        """
        with self._client() as source, other._client() as target:
            total = 0
            for prefix in prefixes:
                for item in list(self._below(source, prefix)):
                    try:
                        content = self._read(source, self._name(item))
                    except S3Error as error:
                        if error.code != GONE:
                            raise
                        continue
                    other._write(target, self._name(item), content)
                    total += len(content)
        return total

    def save_to(self, folder: Path) -> int:
        """Write every object of the location to a file below a folder; return how many bytes."""
        with self._client() as client:
            total = 0
            for item in self._below(client, ""):
                content = self._read(client, self._name(item))
                path = folder / self._name(item)
                path.parent.mkdir(parents=True, exist_ok=True)
                total += path.write_bytes(content)
        return total

    def load_from(self, folder: Path) -> None:
        """Make an object of every file below a folder that ``save_to`` wrote."""
        with self._client() as client:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    self._write(client, path.relative_to(folder).as_posix(), path.read_bytes())

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

    def _below(self, client: Minio, prefix: str) -> Iterator[Object]:
        found: Iterator[Object] = client.list_objects(
            self.bucket, f"{self._folder}{prefix}", recursive=True
        )
        return found

    def _name(self, item: Object) -> str:
        return str(item.object_name).removeprefix(self._folder)

    def _size(self, client: Minio, prefix: str) -> int:
        return sum(int(item.size or 0) for item in self._below(client, prefix))

    def _read(self, client: Minio, name: str) -> bytes:
        response = client.get_object(bucket_name=self.bucket, object_name=f"{self._folder}{name}")
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    def _write(self, client: Minio, name: str, content: bytes) -> None:
        client.put_object(
            bucket_name=self.bucket,
            object_name=f"{self._folder}{name}",
            data=io.BytesIO(content),
            length=len(content),
        )

    @property
    def _folder(self) -> str:
        return f"{self.prefix}/" if self.prefix else ""

"""How much of a package is read, and how long rendering it may take: a package is hostile input."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What a package may cost. Real ones stay far below each."""

    files: int = 10_000
    """Files and folders under PATH."""
    file_bytes: int = 4 * MEBIBYTE
    """Bytes of one file. Helm itself refuses a chart with a file above 5 MiB."""
    total_bytes: int = 64 * MEBIBYTE
    """Bytes of all files under PATH together, and of an archive when it is unpacked."""
    archive_ratio: int = 200
    """How often bigger an archive may be when it is unpacked, beyond its first mebibyte. Text
    compresses to a tenth; only made-up content exceeds this."""
    documents: int = 2_000
    """YAML documents of one file."""
    nodes: int = 200_000
    """Keys and values of one document, each alias counted as what it stands for."""
    characters: int = 16 * MEBIBYTE
    """Characters of all values of one document, each alias counted as what it stands for."""
    depth: int = 100
    """How deep mappings and lists of a document, or folders, may be nested."""
    seconds: float = 30.0
    """Seconds of CPU time that all rendering for one PATH may take, and so may all rules."""
    chart_seconds: float = 10.0
    """Seconds of these that one rendering of one chart may take."""
    memory_bytes: int = 1024 * MEBIBYTE
    """Bytes of memory that the rendering process may use."""
    rendered_bytes: int = 16 * MEBIBYTE
    """Bytes that one chart may render to."""

    @property
    def reading_seconds(self) -> float:
        """Seconds of CPU time that reading a PATH may take, and finding the apps in it."""
        return 2 * self.seconds

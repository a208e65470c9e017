"""A folder to build in that holds secrets and settings of package indexes."""

from __future__ import annotations

from pathlib import Path


def plant(folder: Path, secret: str) -> None:
    """Write what a builder may have beside a Dockerfile; ``secret`` is a part of most files."""
    for name, text in {
        ".env": f"DATABASE_PASSWORD={secret}\n",
        ".netrc": f"machine packages.internal login builder password {secret}\n",
        ".npmrc": f"registry=https://packages.internal/npm/\n_authToken={secret}\n",
        "pip.conf": f"[global]\nindex-url = https://builder:{secret}@packages.internal/simple\n",
        "mirror.list": "deb http://mirror.internal/debian bookworm main\n",
        "id_ed25519": secret,
    }.items():
        (folder / name).write_text(text)

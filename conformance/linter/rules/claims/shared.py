"""What several rules of the family claims share."""

from __future__ import annotations

CLASS_KEYS = ("storageClass", "storageClassName")

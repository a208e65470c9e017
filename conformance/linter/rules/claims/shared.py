"""What several rules of the family claims share."""

from __future__ import annotations

VOLUMES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/"
CLASS_KEYS = ("storageClass", "storageClassName")

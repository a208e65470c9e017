"""What several rules of the family confinement share."""

from __future__ import annotations

STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

"""What several rules of the family kustomization share."""

from __future__ import annotations

KUSTOMIZATION = "https://fluxcd.io/flux/components/kustomize/kustomizations/"

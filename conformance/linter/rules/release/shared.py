"""What several rules of the family release share."""

from __future__ import annotations

HELM_RELEASE = "https://fluxcd.io/flux/components/helm/helmreleases/"
KUSTOMIZATION = "https://fluxcd.io/flux/components/kustomize/kustomizations/"

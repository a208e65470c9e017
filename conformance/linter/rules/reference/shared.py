"""What several rules of the family reference share."""

from __future__ import annotations

HELM_RELEASE = "https://fluxcd.io/flux/components/helm/helmreleases/"

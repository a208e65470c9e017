"""What several rules of the family variable share."""

from __future__ import annotations

from conformance.linter.flux.variables import LEGAL_NAME

SUBSTITUTION = (
    "https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution"
)
VARIABLE = LEGAL_NAME

"""Whether the platform can what its description claims."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.platform.checking.wrong import Compared, Wrong

_FIX = "Correct the platform; leave the feature out only if the platform does not have it."


def features(compared: Compared) -> Iterator[Wrong]:
    """Yield what is claimed and not seen on the cluster."""
    for index, feature in enumerate(compared.platform.features):
        if why := compared.findings.missing.get(f"features.{feature}"):
            message = f"{feature} is claimed, but {why}"
            yield Wrong(("features", index), message, _FIX)

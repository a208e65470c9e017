"""What not every Stackspin can, and a platform claims that can it.

As in the Gateway API's conformance suite, a check of a feature counts on platforms that claim the
feature: https://gateway-api.sigs.k8s.io/concepts/conformance/
"""

from __future__ import annotations

import enum

GENERATOR = "Stackspin reference dashboard"
"""What the pages of the reference dashboard name as their generator."""


class PlatformFeature(enum.StrEnum):
    """A named ability of a platform, as ``platform.yaml`` has it."""

    SECOND_FACTOR = "second_factor"
    RETAINED_VOLUMES = "retained_volumes"
    OBJECT_STORE = "object_store"
    REFERENCE_DASHBOARD = "reference_dashboard"
    RECOVERY = "recovery"


WHAT_IT_IS = {
    PlatformFeature.SECOND_FACTOR: "Users can protect their account with an authenticator app and "
    "recovery codes.",
    PlatformFeature.RETAINED_VOLUMES: "A StorageClass keeps volumes whose claims are deleted.",
    PlatformFeature.OBJECT_STORE: "The suite may look into the bucket of the backups, and write to "
    "its own backups there.",
    PlatformFeature.REFERENCE_DASHBOARD: "The dashboard has the pages of the reference dashboard: "
    "the checks know no others.",
    PlatformFeature.RECOVERY: "The suite can rebuild the platform from its repository and the "
    "bucket of its backups; so far, only the reference platform.",
}
NEEDED = {
    PlatformFeature.RETAINED_VOLUMES: ("storage", "retained"),
    PlatformFeature.OBJECT_STORE: ("backup", "store"),
}
"""Feature -> the key of the description without which nobody can test it."""

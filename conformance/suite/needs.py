"""What a run needs, as the fixtures of its checks say."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from conformance.clusters.base import Cluster
from conformance.platform.installed.given import GivenPlatform
from conformance.platform.installed.stack import GIT_SERVER
from conformance.platform.reference.levels import BACKUPS, SINGLE_SIGN_ON, images_for
from conformance.platform.tree.given import GivenTree
from conformance.platform.tree.stack import images_of

_BARE = set(images_for())


def fixtures_of(items: Iterable[pytest.Item]) -> set[str]:
    """Return the names of all fixtures that any of the tests needs."""
    return {name for item in items for name in getattr(item, "fixturenames", ())}


def parts_ahead(fixtures: set[str], given: GivenPlatform | None) -> tuple[str, ...]:
    """Return the parts that are obtained in the background, in the order in which checks need them.

    What every image is made of, then the images. Helm comes after those of the bare platform: its
    first checks are the next ones, single sign-on and backups are later.
    """
    images = images_of_platform(fixtures, given)
    of_platform = [one for one in images if one in _BARE]
    later = [one for one in images if one not in _BARE]
    helm = ("helm",) if "helm" in fixtures else ()
    return ("image-debian", *of_platform, *helm, *later)


def parts_left(
    cluster: Cluster, fixtures: set[str], given: GivenPlatform | None
) -> tuple[str, ...]:
    """Return those of ``parts_ahead`` that a cluster which has started still needs.

    Without a registry nothing can be pushed to it; what a snapshot is of is there.
    """
    ahead = parts_ahead(fixtures, given)
    if cluster.registry is None:
        return tuple(one for one in ahead if one == "helm")
    there = images_of_platform(fixtures, given) if cluster.snapshot else ()
    return tuple(one for one in ahead if one not in there)


def images_of_platform(fixtures: set[str], given: GivenPlatform | None) -> tuple[str, ...]:
    """Return the platform's images that checks with these fixtures need, in the order of use.

    A ``given`` platform has its own, and the run adds one to it; a tree names some of the suite's.
    """
    if "stack" not in fixtures:
        return ()
    if isinstance(given, GivenTree):
        return images_of(given)
    if given is not None:
        return (GIT_SERVER,)
    levels = {"single_sign_on": SINGLE_SIGN_ON, "backups": BACKUPS}
    return images_for(*(level for name, level in levels.items() if name in fixtures))

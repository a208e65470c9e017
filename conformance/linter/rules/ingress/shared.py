"""What several rules of the family ingress share."""

from __future__ import annotations

import re

from conformance.linter.facts.cluster import Cluster
from conformance.linter.facts.ingresses import (
    Ingress,
)


def in_template(cluster: Cluster, ingress: Ingress, word: re.Pattern[str]) -> bool:
    """Return whether the template of a chart that stands alone has a word: values may be set."""
    manifest = ingress.manifest
    return manifest is not None and bool(word.search(cluster.template_of(manifest)))

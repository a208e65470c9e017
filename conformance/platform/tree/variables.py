"""What an administrator gives Stackspin's installer: the variables of the whole cluster.

A Stackspin has them in ``clusters/HOST/.flux.env``, and they become the Secret
``stackspin-cluster-variables``. Its installer refuses what Flux would write into YAML as
something else; so does this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from conformance.clusters.base import Cluster
from conformance.common.errors import HarnessError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_THE_CLUSTER = ("ip_address",)
"""What is so on the cluster of the run alone, whatever the file says."""


def read_variables(path: Path, domain: str) -> dict[str, str]:
    """Return the variables of a file with lines NAME=VALUE; empty ones and comments are left out.

    Raises HarnessError with every line that is wrong. ``domain`` is that of the description.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise HarnessError(
            f"--platform-variables={path}: cannot be read: {error.strerror}",
            "give the file that a Stackspin has as clusters/HOST/.flux.env",
        ) from error
    found: dict[str, str] = {}
    wrong: list[str] = []
    for number, line in enumerate(lines, 1):
        name, value, why = _parsed(line)
        if name in found:
            why = f"{name} is there twice"
        elif name == "domain" and value != domain:
            why = f"the domain is {value}, and {domain} in the platform's description"
        if why:
            wrong.append(f"  {path.name}, line {number}: {why}")
        elif name:
            found[name] = value
    if wrong:
        raise HarnessError(
            "the platform's variables cannot be used\n" + "\n".join(wrong),
            f'correct {path}: NAME=VALUE on a line, in ASCII, without " and $',
        )
    return found


def with_defaults(given: Mapping[str, str], domain: str, cluster: Cluster) -> dict[str, str]:
    """Return all variables: those given, those of the cluster, and what no tree can do without."""
    known = {
        "domain": domain,
        "admin_email": f"admin@{domain}",
        "org_name": "Stackspin conformance suite",
        "ip_address": cluster.node_address,
        "kubelet_root": cluster.kubelet_root,
    }
    kept = {name: value for name, value in given.items() if name not in _OF_THE_CLUSTER}
    return {**known, **kept}


def _parsed(line: bytes) -> tuple[str, str, str]:
    """Return name, value, and why the line cannot be used; a line that says nothing has no name.

    No message has a value: it may be a password.
    """
    try:
        text = line.decode("ascii").strip()
    except UnicodeDecodeError:
        return "", "", "a character is not ASCII"
    if not text or text.startswith("#"):
        return "", "", ""
    name, found, value = text.partition("=")
    if not found or not _NAME.fullmatch(name):
        return "", "", "this is not NAME=VALUE"
    for character in '"$':
        if character in value:
            return "", "", f"the value of {name} has a {character}"
    return name, value, ""

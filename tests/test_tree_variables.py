"""The file with a Stackspin's variables: what is read, and what is refused as Stackspin does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from conformance.clusters.base import Cluster
from conformance.common.errors import HarnessError
from conformance.platform.tree.variables import read_variables, with_defaults

CLUSTER = cast(Cluster, SimpleNamespace(node_address="10.1.2.3", kubelet_root="/var/lib/kubelet"))


def read(folder: Path, text: str) -> dict[str, str]:
    path = folder / ".flux.env"
    path.write_bytes(text.encode())
    return read_variables(path, "example.org")


def test_lines_are_variables(tmp_path: Path) -> None:
    text = "# of the host\n\ndomain=example.org\nsmtp_password=a=b c\r\nempty=\n"
    found = read(tmp_path, text)
    assert found == {"domain": "example.org", "smtp_password": "a=b c", "empty": ""}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('smtp_password=a"b', 'the value of smtp_password has a "'),
        ("smtp_password=a$b", "the value of smtp_password has a \\$"),
        ("org_name=Müller", "a character is not ASCII"),
        ("org_name", "this is not NAME=VALUE"),
        ("org-name=x", "this is not NAME=VALUE"),
        ("domain=example.net", "the domain is example.net, and example.org in the"),
        ("first=2", "first is there twice"),
    ],
)
def test_what_stackspin_refuses_is_refused_with_its_line(
    tmp_path: Path, line: str, why: str
) -> None:
    with pytest.raises(HarnessError, match=rf"\.flux\.env, line 2: {why}") as refused:
        read(tmp_path, f"first=1\n{line}\n")
    assert "a$b" not in str(refused.value)
    assert 'a"b' not in str(refused.value)


def test_every_wrong_line_is_said(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"(?s)line 1: .*line 3: "):
        read(tmp_path, "a=$\nb=1\nc=$\n")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be read: No such file"):
        read_variables(tmp_path / "none", "example.org")


def test_the_address_is_the_clusters_and_the_rest_the_maintainers() -> None:
    given = {"ip_address": "192.0.2.1", "admin_email": "me@example.org", "kubelet_root": "/k"}
    found = with_defaults(given, "example.org", CLUSTER)
    assert found["ip_address"] == "10.1.2.3"
    assert found["admin_email"] == "me@example.org"
    assert found["kubelet_root"] == "/k"
    assert found["domain"] == "example.org"

"""What a disk without room is said to lack, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.common import disk_space
from conformance.common.errors import HarnessError


def test_the_error_says_what_is_needed_what_is_free_where_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_space, "free", lambda _: 1_500_000_000)
    disk_space.require("a thing", 1_500_000_000, tmp_path, "PLACE")
    with pytest.raises(HarnessError) as raised:
        disk_space.require("a thing", 1_500_000_001, tmp_path, "PLACE")
    assert raised.value.message == (
        f"too little disk space for a thing: 1.5 GB are needed in {tmp_path}, and 1.5 GB are free"
    )
    assert "components prune" in raised.value.fix
    assert "set PLACE to a folder on a larger disk" in raised.value.fix


def test_a_folder_that_is_not_there_yet_has_the_room_of_the_one_above(tmp_path: Path) -> None:
    assert not disk_space.lack("a byte", 1, tmp_path / "not" / "there" / "yet")
    assert disk_space.lack("all", 1 << 62, tmp_path / "not" / "there" / "yet")

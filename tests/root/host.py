"""The host that nodes run on: looked at, and waited for."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.002)


def firewall() -> str:
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return re.sub(r"^#.*|\[\d+:\d+\]", "", rules, flags=re.MULTILINE)

"""Whether what generates passwords works, keeps them, and makes one for each purpose."""

from __future__ import annotations

import re

LENGTH = re.compile(r"[1-9][0-9]{0,5}[bB]?")
SHORTEST = 16

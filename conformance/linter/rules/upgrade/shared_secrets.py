"""Between ``--previous`` and this: passwords and logins that must stay what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


GENERATORS = ("StringSecret", "BasicAuth")

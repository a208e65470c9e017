"""Whether the client, its Secret and the values of the app agree."""

from __future__ import annotations

SPEC = "https://openid.net/specs/openid-connect-core-1_0.html"
MAESTER = "https://github.com/ory/hydra-maester"

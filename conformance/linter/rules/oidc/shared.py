"""What several rules of the family oidc share."""

from __future__ import annotations

SPEC = "https://openid.net/specs/openid-connect-core-1_0.html"
BEST_PRACTICE = "https://www.rfc-editor.org/rfc/rfc9700"

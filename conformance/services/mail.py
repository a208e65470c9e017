"""The mail catcher (mailpit): every mail that the platform sends ends there.

https://mailpit.axllent.org/docs/api-v1/
"""

from __future__ import annotations

NAMESPACE = "stackspin"
SERVICE = "mail"
SMTP_PORT = 1025
API_PORT = 8025

"""What can go wrong between the suite and the Kubernetes API, as types."""

from __future__ import annotations

from conformance.common.errors import HarnessError


class ApiError(Exception):
    """The API server answered with an error; ``message`` is its own explanation.

    ``reason`` is the machine-readable word of the API's Status object (``AlreadyExists``,
    ``Invalid`` ...), see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """

    def __init__(self, request: str, status: int, reason: str, message: str) -> None:
        super().__init__(f"{request}: {message} ({status} {reason})")
        self.request = request
        self.status = status
        self.reason = reason
        self.message = message


class NotFound(ApiError):
    """There is no such object."""


class UnknownKind(NotFound):
    """The API server serves no such kind, so there is no such object either."""

    def __init__(self, api_version: str, kind: str) -> None:
        message = f"the cluster serves no kind {kind} in {api_version}; is its CRD installed?"
        super().__init__(f"discover {api_version}", 404, "UnknownKind", message)


class Conflict(ApiError):
    """Somebody else owns the field, changed the object meanwhile, or it exists already."""


class Invalid(ApiError):
    """The API server refused the object or the request; its message names the field."""


class Gone(ApiError):
    """The resource version is too old to watch from: list again."""


class Forbidden(ApiError, HarnessError):
    """The credentials are wrong or do not allow the request."""

    def __init__(self, request: str, status: int, reason: str, message: str) -> None:
        HarnessError.__init__(
            self,
            f"{request}: {message} ({status} {reason})",
            "Use a kubeconfig or context whose user has administrator rights on the cluster.",
        )
        self.request = request
        self.status = status
        self.reason = reason


class Unreachable(HarnessError):
    """The API server does not answer."""


def from_status(request: str, status: int, body: dict[str, object]) -> ApiError:
    """Return the exception for an error answer; ``body`` is the API's Status object."""
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or "no explanation given")
    kinds: dict[int, type[ApiError]] = {
        400: Invalid,
        401: Forbidden,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        410: Gone,
        422: Invalid,
    }
    return kinds.get(status, ApiError)(request, status, reason, message)

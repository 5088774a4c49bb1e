"""Why the service does not answer a request."""

from __future__ import annotations

from scorewright.errors.root import ScorewrightError


class ServiceError(ScorewrightError):
    """The service does not answer this request now, and nothing was decided for it that its caller was told.

    Parameters
    ----------
    retry_after : int
        Seconds after which asking again makes sense.
    """

    retry_after: int = 1

    def __init__(self, rule: str, value: str, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(rule, value, f"Ask again in {retry_after} {'second' if retry_after == 1 else 'seconds'}.")


class OverloadedError(ServiceError):
    """More requests wait than the service lets wait."""

    code = "service-overloaded"


class StoppingError(ServiceError):
    """The service is being stopped and takes no more requests."""

    code = "service-stopping"


class DeadlineError(ServiceError):
    """The answer was not ready in the time that a request may take."""

    code = "service-deadline"


class RequestError(ScorewrightError):
    """A request to the service cannot be read."""


class BodyTooLargeError(RequestError):
    """The body is larger than the service accepts."""

    code = "request-too-large"


class BodyTooSlowError(RequestError):
    """The body arrives more slowly than the service waits."""

    code = "request-too-slow"


class BodyNotJsonError(RequestError):
    """The body is not JSON."""

    code = "request-not-json"


class BodyNotArrowError(RequestError):
    """The body is not a stream of Arrow record batches that can be read safely."""

    code = "request-not-arrow"


class BodyShapeError(RequestError):
    """The body is JSON of the wrong shape."""

    code = "request-shape"

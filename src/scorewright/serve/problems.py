"""The one shape of every refusal: problem details (RFC 9457), and the one table that gives errors their status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from pydantic import BaseModel, Field

from scorewright import errors
from scorewright.errors import ScorewrightError

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Why a request was not answered: the rule, the value that broke it and the remedy."""

    type: str = Field(description="Name of the kind of problem, as a URI made from its code.")
    title: str = Field(description="The kind of problem in a few words; the same for every problem of its code.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="Rule, value and remedy in one text.")
    code: str = Field(description="Name of the kind of problem, which never changes meaning.")
    rule: str = Field(description="What must hold.")
    value: str = Field(description="What was found instead.")
    remedy: str = Field(description="What the caller can do about it.")
    instance: str | None = Field(default=None, description="This one occurrence, as in the header X-Request-ID.")


@dataclass(frozen=True)
class Kind:
    """What an error becomes at the door. A kind that is not `open` is the operator's: callers learn only its title."""

    status: HTTPStatus
    title: str
    open: bool = True

    @property
    def ends_connection(self) -> bool:
        """Whether the rest of the body was not read, so that the connection cannot go on."""
        return self.status in {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT}


def _caller(status: HTTPStatus, title: str) -> Kind:
    return Kind(status, title)


def _operator(status: HTTPStatus, title: str) -> Kind:
    return Kind(status, title, open=False)


KINDS: Mapping[type[ScorewrightError], Kind] = MappingProxyType(
    {
        ScorewrightError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The service cannot answer"),
        errors.SettingsError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The service's settings are unusable"),
        errors.PortfolioError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The portfolio is unusable"),
        errors.FeatureSqlError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "A feature cannot be computed"),
        errors.DataError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "The rows do not fit the contract"),
        errors.UnreadableFileError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "A file cannot be read"),
        errors.TableMissingError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "A table is missing"),
        errors.EmptyTableError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "A table has no rows"),
        errors.ColumnsError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "Columns do not fit the contract"),
        errors.TargetError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "The target is unusable"),
        errors.DuplicateKeysError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "A key repeats"),
        errors.OrphanRowsError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "Rows belong to no parent"),
        errors.NotFiniteError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "A number is not finite"),
        errors.AmountsError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "An amount cannot be"),
        errors.UnseenCategoryError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "A category was never seen"),
        errors.UnknownApplicationError: _caller(HTTPStatus.NOT_FOUND, "No such application"),
        errors.RangesError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "A number is out of range"),
        errors.CoverageError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "Too little is known"),
        errors.UnknownClientError: _caller(HTTPStatus.NOT_FOUND, "No such client"),
        errors.NoStoreError: _caller(HTTPStatus.NOT_FOUND, "No client store"),
        errors.StoreUnusableError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The client store is unusable"),
        errors.TrainingError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "Training is impossible"),
        errors.LeakError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The data look too good to be true"),
        errors.BundleError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The model is unusable"),
        errors.AdditivityError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The model's explanation does not hold"),
        errors.BundleCorruptError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The model is not what was sealed"),
        errors.BundleProtocolError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The model is of another protocol"),
        errors.RegistryError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The registry does not answer"),
        errors.NoModelError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "No model is loaded"),
        errors.RegistryUnusableError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The registry is unusable"),
        errors.PromotionRefusedError: _caller(HTTPStatus.CONFLICT, "The promotion is refused"),
        errors.LedgerError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The ledger does not answer"),
        errors.LedgerUnavailableError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The ledger does not answer"),
        errors.LedgerBusyError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The ledger is busy"),
        errors.LedgerVersionError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The ledger is of another version"),
        errors.LedgerTamperedError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The ledger is not what was written"),
        errors.ReplayDifferenceError: _caller(HTTPStatus.CONFLICT, "The replay differs"),
        errors.IdempotencyConflictError: _caller(HTTPStatus.CONFLICT, "The idempotency key was used before"),
        errors.UnknownDecisionError: _caller(HTTPStatus.NOT_FOUND, "No such decision"),
        errors.ForgottenError: _caller(HTTPStatus.GONE, "The client was forgotten"),
        errors.OutputError: _operator(HTTPStatus.INTERNAL_SERVER_ERROR, "The service cannot write"),
        errors.ServiceError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The service does not answer now"),
        errors.OverloadedError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The service is busy"),
        errors.StoppingError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The service is stopping"),
        errors.DeadlineError: _operator(HTTPStatus.SERVICE_UNAVAILABLE, "The answer took too long"),
        errors.RequestError: _caller(HTTPStatus.BAD_REQUEST, "The request cannot be read"),
        errors.BodyTooLargeError: _caller(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
        errors.BodyTooSlowError: _caller(HTTPStatus.REQUEST_TIMEOUT, "The body arrives too slowly"),
        errors.BodyNotJsonError: _caller(HTTPStatus.BAD_REQUEST, "The body is not JSON"),
        errors.BodyNotArrowError: _caller(HTTPStatus.BAD_REQUEST, "The body is not a stream of Arrow"),
        errors.BodyShapeError: _caller(HTTPStatus.UNPROCESSABLE_ENTITY, "The body has the wrong shape"),
    }
)


@dataclass(frozen=True)
class _Refusal:
    """A refusal that no error class words, because HTTP itself makes it."""

    code: str
    title: str
    rule: str
    remedy: str


_REFUSALS: Mapping[int, _Refusal] = MappingProxyType(
    {
        401: _Refusal(
            "request-unauthenticated",
            "A key is needed",
            "Requests to /v1 must bring a key or a token that the service accepts.",
            "Send the header Authorization: Bearer KEY, or X-API-Key: KEY.",
        ),
        403: _Refusal(
            "request-forbidden",
            "Not for this caller",
            "A caller must have a role that the address is for.",
            "Ask the operator for the role, or for a key that has it.",
        ),
        404: _Refusal(
            "request-not-found",
            "No such address",
            "The address must be one that the service knows.",
            "See /openapi.json for the addresses.",
        ),
        405: _Refusal(
            "request-method",
            "No such method here",
            "The method must be one that the address knows.",
            "See the header Allow for the methods.",
        ),
        415: _Refusal(
            "request-media-type",
            "The body must be plain JSON",
            "The body must be declared as application/json, in UTF-8 and not compressed.",
            "Send the header Content-Type: application/json, and no Content-Encoding.",
        ),
        429: _Refusal(
            "request-throttled",
            "Too many attempts failed",
            "Attempts without a valid key must be few.",
            "Wait as long as the header Retry-After says, then send a valid key.",
        ),
        422: _Refusal(
            "request-invalid",
            "The request is not valid",
            "The parameters must be those of /openapi.json.",
            "Correct the parameters named.",
        ),
    }
)


def kind_of(error: type[ScorewrightError]) -> Kind:
    """Return the kind of an error: its own, or that of the nearest class above it."""
    return next(KINDS[known] for known in error.__mro__ if known in KINDS)


def from_error(error: ScorewrightError) -> Problem:
    """Say an error of the tree as a problem."""
    kind = kind_of(type(error))
    if not kind.open:
        return _hidden(kind.status, error.code, kind.title)
    return _problem(kind.status, error.code, kind.title, (error.rule, error.value, error.remedy))


def from_status(status: int, value: str) -> Problem:
    """Say a refusal that HTTP makes as a problem. `value` tells what was found, in a few words."""
    refusal = _REFUSALS.get(status)
    if refusal is not None:
        return _problem(status, refusal.code, refusal.title, (refusal.rule, value, refusal.remedy))
    title = HTTPStatus(status).phrase
    return _problem(status, f"http-{status}", title, (f"{title}.", value, "Correct the request."))


def unexpected() -> Problem:
    """Say that the service failed, and nothing more: what failed is for its log."""
    return _hidden(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "The service failed")


def encode(problem: Problem, request_id: str) -> bytes:
    """Return the body that states the problem, naming the occurrence."""
    named = problem.model_copy(update={"instance": f"urn:uuid:{request_id}"})
    # Escapes whatever is not ASCII, so that no text that an error quotes can make its own refusal fail.
    return json.dumps(named.model_dump()).encode()


def _hidden(status: int, code: str, title: str) -> Problem:
    remedy = "Try again later; if it lasts, give the X-Request-ID to the operator."
    return _problem(status, code, title, (f"{title}.", "a cause that the service's log holds", remedy))


def _problem(status: int, code: str, title: str, told: tuple[str, str, str]) -> Problem:
    rule, value, remedy = told
    return Problem(
        type=f"urn:scorewright:problem:{code}",
        title=title,
        status=int(status),
        detail=f"{rule} Found: {value}. {remedy}",
        code=code,
        rule=rule,
        value=value,
        remedy=remedy,
    )

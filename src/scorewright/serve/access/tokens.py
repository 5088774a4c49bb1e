"""Admission by a signed token of an identity provider (OIDC access tokens, RFC 7519 and 9068; pitfalls of RFC 8725)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import jwt

from scorewright.domain.access import Caller, Role, Stranger
from scorewright.serve.access.jwks import KeySource
from scorewright.serve.access.seam import NOTHING_BROUGHT, OF_NO_KIND, Authenticator, Schemes, bearer

LONGEST_TOKEN = 8192
#: With the kind of credential before it, a name is as long as a ledger takes at most.
LONGEST_NAME = 190
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
#: Other kinds, such as logout tokens, are signed by the same keys and admit nobody.
_KINDS = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_DEMANDED = ("exp", "iss", "aud")
_TOLD: Mapping[type[Exception], str] = MappingProxyType(
    {
        jwt.ExpiredSignatureError: "expired",
        jwt.ImmatureSignatureError: "not valid yet",
        jwt.InvalidAudienceError: "for another audience",
        jwt.InvalidIssuerError: "of another issuer",
        jwt.InvalidAlgorithmError: "signed by an algorithm that is not accepted",
        jwt.InvalidSignatureError: "with a wrong signature",
        jwt.MissingRequiredClaimError: "without a claim that it must have",
    }
)


@dataclass(frozen=True)
class TokenRules:
    """Which tokens are believed, and what they say.

    Parameters
    ----------
    issuer, audience : str
        What ``iss`` must be, and ``aud`` must be or contain.
    algorithms : sequence of str
        Asymmetric ones only: with a symmetric one, whoever knows a public key could sign.
    roles : mapping
        From what the provider calls a role to ours. What it does not name counts for nothing.
    roles_claim : str
        Where the roles stand, dots leading into objects: ``realm_access.roles``.
    clients_claim : str, optional
        Where the clients stand whose records the bearer sees. Who has no such claim then sees none.
    leeway : float
        Seconds by which clocks may differ.
    """

    issuer: str
    audience: str
    algorithms: Sequence[str]
    roles: Mapping[str, Role]
    roles_claim: str = "roles"
    clients_claim: str | None = None
    leeway: float = 30.0


class Tokens(Authenticator):
    """Admits whoever brings ``Authorization: Bearer TOKEN``, signed by the provider for this service."""

    def __init__(self, rules: TokenRules, source: KeySource) -> None:
        self._rules = rules
        self._source = source

    @property
    def schemes(self) -> Schemes:
        """A bearer token."""
        return {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}

    async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
        """Admit the bearer of a token that is believed."""
        token = bearer(headers)
        if not token:
            return NOTHING_BROUGHT
        if len(token) > LONGEST_TOKEN or not _TOKEN.fullmatch(token):
            return OF_NO_KIND
        try:
            claims = await self._claims(token)
        except jwt.PyJWTError as error:
            told = (words for kind, words in _TOLD.items() if isinstance(error, kind))
            return Stranger(f"token {next(told, 'malformed')}")
        return Stranger("token of an unknown signing key") if claims is None else self._bearer_of(claims)

    async def _claims(self, token: str) -> Mapping[str, Any] | None:
        header = jwt.get_unverified_header(token)
        kind, algorithm, key_id = (header.get(name) for name in ("typ", "alg", "kid"))
        # Judged before the key is looked for: a token that can never be believed must not cause a fetch.
        if algorithm not in self._rules.algorithms:
            raise jwt.InvalidAlgorithmError
        if kind is not None and str(kind).lower() not in _KINDS:
            raise jwt.InvalidTokenError
        key = await self._source.find(key_id, str(algorithm)) if isinstance(key_id, str) else None
        if key is None:
            return None
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(self._rules.algorithms),
            audience=self._rules.audience,
            issuer=self._rules.issuer,
            leeway=self._rules.leeway,
            options={"require": list(_DEMANDED), "enforce_minimum_key_length": True},
        )
        return claims

    def _bearer_of(self, claims: Mapping[str, Any]) -> Caller | Stranger:
        name = bearer_name(claims)
        if name is None:
            return Stranger("token that names nobody")
        told = (self._rules.roles.get(role) for role in _texts(_at(claims, self._rules.roles_claim)))
        clients = self._rules.clients_claim
        seen = None if clients is None else frozenset(_texts(_at(claims, clients)))
        return Caller(name, frozenset(role for role in told if role is not None), "token", clients=seen)


def bearer_name(claims: Mapping[str, Any]) -> str | None:
    """Name the bearer: ``azp/sub``, the program and the person, or whichever there is.

    Examples
    --------
    >>> bearer_name({"azp": "branch-pages", "sub": "u-17"}), bearer_name({"azp": "batch", "sub": "batch"})
    ('branch-pages/u-17', 'batch')
    """
    told = [claims.get(claim) for claim in ("azp", "sub")]
    program, person = (one if isinstance(one, str) and one.strip() and one.isprintable() else None for one in told)
    # Quoted, so that no program's name can end in what looks like a person of another.
    parts = ([quote(program, safe="")] if program and program != person else []) + ([person] if person else [])
    name = "/".join(parts)
    return name if 0 < len(name) <= LONGEST_NAME else None


def _at(claims: Mapping[str, Any], place: str) -> Any:
    """Look a claim up: by its whole name, which may hold dots where it is a URI, else along the dots."""
    if place in claims:
        return claims[place]
    found: Any = claims
    for step in place.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _texts(told: Any) -> list[str]:
    if isinstance(told, str):
        return told.split()
    return [one for one in told if isinstance(one, str)] if isinstance(told, list) else []

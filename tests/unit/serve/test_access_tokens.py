from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import string
import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from scorewright.domain.access import Caller, Stranger
from scorewright.serve.access.jwks import SigningKeys, parse_jwks
from scorewright.serve.access.seam import NOTHING_BROUGHT, OF_NO_KIND
from scorewright.serve.access.tokens import LONGEST_TOKEN, TokenRules, Tokens, bearer_name

ISSUER, AUDIENCE = "https://login.bank.example", "scorewright"
ALGORITHMS = ("RS256", "ES256", "EdDSA")
RSA, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC, ED = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.from_private_bytes(b"seed" * 8)
PRIVATE: Mapping[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}
JWKS = {
    "keys": [
        {**RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "RS256", "use": "sig"},
        {**ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": "ES256", "alg": "ES256"},
        {**OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True), "kid": "EdDSA"},
    ]
}
ROLES = {"bank-officers": "officer", "risk": "validator"}
RULES = TokenRules(ISSUER, AUDIENCE, ALGORITHMS, ROLES)  # type: ignore[arg-type]


class Kept:
    """A source that also remembers what it was asked for."""

    def __init__(self, keys: SigningKeys) -> None:
        self.keys = keys
        self.asked: list[str] = []

    async def find(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        self.asked.append(key_id)
        return self.keys.get((key_id, algorithm))


SOURCE = Kept(parse_jwks(json.dumps(JWKS).encode(), ALGORITHMS))
DOOR = Tokens(RULES, SOURCE)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    told = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u-17", "iat": now, "exp": now + 600, "roles": ["bank-officers"]}
    return {name: value for name, value in {**told, **changes}.items() if value is not None}


def signed(told: Mapping[str, Any], algorithm: str = "RS256", **header: Any) -> str:
    headers = {"kid": algorithm, **header}
    return jwt.encode(dict(told), PRIVATE[algorithm], algorithm, {k: v for k, v in headers.items() if v is not None})


def piece(told: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def identified(token: str, door: Tokens = DOOR) -> Caller | Stranger:
    return asyncio.run(door.identify({"authorization": f"Bearer {token}"}))


def why(token: str, door: Tokens = DOOR) -> str:
    known = identified(token, door)
    assert isinstance(known, Stranger)
    return known.why


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_the_provider_tells_who_asks_and_for_what(algorithm: str) -> None:
    assert identified(signed(claims(azp="pages"), algorithm)) == Caller("pages/u-17", frozenset({"officer"}), "token")


def test_an_audience_may_be_one_of_several_and_clocks_may_differ() -> None:
    now = int(time.time())
    assert isinstance(identified(signed(claims(aud=["other", AUDIENCE]))), Caller)
    assert isinstance(identified(signed(claims(exp=now - 10, iat=now + 10, nbf=now + 10))), Caller)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"nbf": int(time.time()) + 600}, "not valid yet"),
        ({"iat": int(time.time()) + 600}, "not valid yet"),
        ({"aud": "another"}, "another audience"),
        ({"aud": [AUDIENCE + "2"]}, "another audience"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"exp": None}, "without a claim"),
        ({"aud": None}, "without a claim"),
        ({"iss": None}, "without a claim"),
        ({"exp": "soon"}, "malformed"),
        ({"sub": 17}, "malformed"),
        ({"sub": None}, "names nobody"),
        ({"sub": "a\nb"}, "names nobody"),
        ({"sub": "a" * 201}, "names nobody"),
    ],
)
def test_a_token_that_says_anything_else_is_turned_away(changes: dict[str, Any], told: str) -> None:
    assert told in why(signed(claims(**changes)))


def test_a_token_without_algorithm_is_turned_away() -> None:
    for name in ("none", "None", "NONE", ""):
        told = f"{piece({'alg': name, 'typ': 'JWT', 'kid': 'RS256'})}.{piece(claims())}."
        assert "algorithm" in why(told)
    assert "algorithm" in why(f"{piece({'kid': 'RS256'})}.{piece(claims())}.")


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_a_token_signed_with_the_public_key_as_a_secret_is_turned_away(algorithm: str) -> None:
    public = RSA.public_key()
    forms = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(JWKS["keys"][0]).encode(),
    ]
    for secret in forms:
        text = f"{piece({'alg': algorithm, 'typ': 'JWT', 'kid': 'RS256'})}.{piece(claims())}"
        made = hmac.new(secret, text.encode(), hashlib.new(algorithm.replace("HS", "sha")).name).digest()
        assert "algorithm" in why(f"{text}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}")


def test_an_algorithm_that_the_settings_leave_out_is_turned_away_before_any_key_is_looked_for() -> None:
    source = Kept(SOURCE.keys)
    narrow = Tokens(TokenRules(ISSUER, AUDIENCE, ("ES256",), RULES.roles), source)
    assert "algorithm" in why(signed(claims()), narrow)
    assert source.asked == []


@pytest.mark.parametrize("key_id", ["another", "ES256", None, ""])
def test_a_wrong_key_id_is_turned_away(key_id: str | None) -> None:
    assert "signing key" in why(signed(claims(), kid=key_id))


def test_a_key_of_somebody_else_is_turned_away() -> None:
    assert "wrong signature" in why(jwt.encode(claims(), OTHER, "RS256", {"kid": "RS256"}))


def test_a_token_that_brings_its_own_key_is_turned_away() -> None:
    own = {"jwk": RSAAlgorithm.to_jwk(OTHER.public_key(), as_dict=True), "jku": "http://127.0.0.1:1/keys"}
    assert "wrong signature" in why(jwt.encode(claims(), OTHER, "RS256", {"kid": "RS256", **own}))


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "x"])
def test_a_token_of_another_kind_is_turned_away(kind: str) -> None:
    assert "malformed" in why(signed(claims(), typ=kind))
    assert isinstance(identified(signed(claims(), typ="at+jwt")), Caller)


def test_an_extension_that_must_be_understood_and_is_not_turns_away() -> None:
    assert "malformed" in why(signed(claims(), crit=["exp"], exp=1))


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c.d", "a.b.c", "...", "=.=.=", "a" * LONGEST_TOKEN + ".b.c"])
def test_what_is_no_token_is_turned_away(token: str) -> None:
    assert why(token) in {NOTHING_BROUGHT.why, OF_NO_KIND.why, "token malformed"}


def test_a_token_longer_than_any_that_is_read_is_turned_away() -> None:
    assert why(signed(claims(padding="x" * LONGEST_TOKEN))) == OF_NO_KIND.why


def test_a_token_comes_as_bearer_only() -> None:
    token = signed(claims())
    for headers in ({"x-api-key": token}, {"authorization": token}, {"authorization": f"Basic {token}"}, {}):
        assert asyncio.run(DOOR.identify(headers)) == NOTHING_BROUGHT


TEXT = st.text(string.ascii_letters + string.digits + "-_", max_size=60)
VALUES = st.sampled_from([*ALGORITHMS, "none", "HS256", "JWT"]) | st.integers() | st.lists(st.text())
HEADERS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64"]), VALUES)


@given(st.text(st.characters(max_codepoint=255)) | st.builds("{}.{}.{}".format, TEXT, TEXT, TEXT)
       | st.builds(lambda head, tail: f"{piece(head)}.{piece(claims())}.{tail}", HEADERS, TEXT))  # fmt: skip
def test_no_random_text_is_ever_admitted_as_a_token(text: str) -> None:
    assert isinstance(identified(text), Stranger)


WHOLE = signed(claims(iat=1_700_000_000, exp=4_000_000_000), "EdDSA")


@given(st.integers(0, len(WHOLE) - 1), st.sampled_from(string.ascii_letters + string.digits + "-_."))
def test_a_token_with_one_character_changed_is_never_admitted(place: int, other: str) -> None:
    changed = WHOLE[:place] + other + WHOLE[place + 1 :]
    assert isinstance(identified(changed), Stranger) or changed == WHOLE


# What a token says


def roles_of(told: Any, place: str = "roles", **named: Any) -> frozenset[str]:
    rules = TokenRules(ISSUER, AUDIENCE, ALGORITHMS, RULES.roles, place)
    known = identified(signed(claims(**{"roles": told, **named})), Tokens(rules, SOURCE))
    assert isinstance(known, Caller)
    return known.roles


@pytest.mark.parametrize(
    ("told", "roles"),
    [
        (["bank-officers", "risk", "cooks"], {"officer", "validator"}),
        ("risk cooks", {"validator"}),
        (["admin", "officer"], set()),
        ([], set()),
        (None, set()),
        ({"risk": True}, set()),
        ([["risk"], 7], set()),
    ],
)
def test_only_roles_that_are_mapped_count(told: Any, roles: set[str]) -> None:
    assert roles_of(told) == roles


def test_roles_may_stand_deep_or_under_a_name_with_dots() -> None:
    assert roles_of(None, "realm_access.roles", realm_access={"roles": ["risk"]}) == {"validator"}
    assert roles_of(None, "https://bank.example/roles", **{"https://bank.example/roles": ["risk"]}) == {"validator"}
    assert roles_of(None, "realm_access.roles", realm_access=["risk"]) == set()


def test_whose_records_are_seen_is_what_the_claim_says_and_nobodys_without_it() -> None:
    rules = TokenRules(ISSUER, AUDIENCE, ALGORITHMS, RULES.roles, clients_claim="clients")
    some, none = (identified(signed(claims(**told)), Tokens(rules, SOURCE)) for told in ({"clients": ["17"]}, {}))
    assert isinstance(some, Caller)
    assert isinstance(none, Caller)
    assert (some.sees("17"), some.sees("18"), none.sees("17")) == (True, False, False)


def test_no_program_can_be_named_like_a_person_of_another() -> None:
    assert bearer_name({"azp": "a/b", "sub": "c"}) != bearer_name({"azp": "a", "sub": "b/c"})
    assert bearer_name({"azp": "batch"}) == "batch"
    assert bearer_name({"azp": " ", "sub": ""}) is None


# A set of keys


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("[]", "no key"),
        ("{}", "no key"),
        ('{"keys": [1, {}]}', "no key"),
        (json.dumps({"keys": [{**JWKS["keys"][0], "use": "enc"}]}), "no key"),
        (json.dumps({"keys": [{**JWKS["keys"][0], "alg": "RS512"}]}), "no key"),
        (json.dumps({"keys": [{**JWKS["keys"][0], "kid": ""}]}), "no key"),
        (json.dumps({"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}), "no key"),
        (json.dumps({"keys": [{**RSAAlgorithm.to_jwk(RSA, as_dict=True), "kid": "a"}]}), "private"),
    ],
)
def test_a_set_without_a_public_signing_key_is_refused(told: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_jwks(told.encode(), ALGORITHMS)


def test_a_key_that_is_too_short_is_not_believed() -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505
    keys = {"keys": [{**RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True), "kid": "weak"}]}
    door = Tokens(RULES, Kept(parse_jwks(json.dumps(keys).encode(), ALGORITHMS)))
    text = f"{piece({'alg': 'RS256', 'typ': 'JWT', 'kid': 'weak'})}.{piece(claims())}"
    made = base64.urlsafe_b64encode(weak.sign(text.encode(), PKCS1v15(), SHA256())).rstrip(b"=").decode()
    assert "malformed" in why(f"{text}.{made}", door)

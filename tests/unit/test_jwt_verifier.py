"""JSON Web Tokens: one algorithm, one key, and every claim that counts."""

from __future__ import annotations

import base64
import hmac
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from sessiond.actors.core.errors import InvalidInput
from sessiond.gateway.jwt_verifier import JwtVerifier, read_verifier
from sessiond.gateway.problems import Unauthenticated

NOW = 1_800_000_000.0
SECRET = b"s" * 32
STRANGE = (
    b"-----BEGIN PUBLIC KEY-----\n"
    b"MCowBQYDK2VjAyEAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
    b"-----END PUBLIC KEY-----\n"
)
"""A key in PEM of a kind that nobody has heard of."""
CLAIMS = {"sub": "ann", "exp": NOW + 60, "tenant": "acme", "roles": ["operator"]}


def token(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **claims: Any) -> str:
    given = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    return jwt.encode(given, key, algorithm, headers)


def pem(key: Ed25519PrivateKey | RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def rsa() -> RSAPrivateKey:
    return generate_private_key(65_537, 2_048)


def verifier(**given: Any) -> JwtVerifier:
    return JwtVerifier(**{"key": SECRET, "algorithm": "HS256", "issuer": None, "audience": None, **given})


def test_a_token_says_who_whose_what_and_until_when() -> None:
    principal = verifier().verify(token(), NOW)
    assert (principal.name, principal.tenant, principal.roles) == ("ann", "acme", ("operator",))
    assert principal.expires_at == NOW + 60
    assert principal.by == "ann"


def test_each_algorithm_works_with_a_key_of_its_own(rsa: RSAPrivateKey) -> None:
    edwards = Ed25519PrivateKey.generate()
    assert verifier(key=pem(rsa), algorithm="RS256").verify(token(rsa, "RS256"), NOW).name == "ann"
    assert verifier(key=pem(edwards), algorithm="EdDSA").verify(token(edwards, "EdDSA"), NOW).name == "ann"


def unsigned(algorithm: str) -> str:
    parts = [{"alg": algorithm, "typ": "JWT"}, CLAIMS]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def signed_by_text(secret: bytes) -> str:
    """An HS256 token whose secret is a public key: what confuses verifiers that believe a token's header."""
    head = unsigned("HS256")[:-1]
    signature = hmac.new(secret, head.encode(), "sha256").digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_the_algorithm_is_never_the_tokens_choice(rsa: RSAPrivateKey) -> None:
    public = pem(rsa)
    signer = verifier(key=public, algorithm="RS256")
    for wrong in (
        unsigned("none"),
        unsigned("None"),
        unsigned("HS256"),
        signed_by_text(public),
        token(),
        token(rsa, "RS512"),
    ):
        with pytest.raises(Unauthenticated):
            signer.verify(wrong, NOW)
    with pytest.raises(Unauthenticated):
        verifier().verify(token(rsa, "RS256"), NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": ...},
        {"sub": ...},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": "soon"},
        {"nbf": NOW + 1},
        {"tenant": "a/b"},
        {"tenant": "a@b"},
        {"tenant": 7},
        {"roles": "admin"},
        {"sub": ""},
        {"sub": "x" * 300},
    ],
)
def test_a_claim_that_is_missing_wrong_or_out_of_time_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        verifier().verify(token(**claims), NOW)


def test_an_expiry_that_never_comes_is_none() -> None:
    with pytest.raises(Unauthenticated):
        verifier().verify(token(exp=float("inf")), NOW)


def test_issuer_and_audience_are_asked_for_where_they_are_configured() -> None:
    strict = verifier(issuer="https://id.example", audience="sessiond")
    good: dict[str, Any] = {"iss": "https://id.example", "aud": ["sessiond", "other"]}
    assert strict.verify(token(**good), NOW).name == "ann"
    wrongs: list[dict[str, Any]] = [
        {},
        {**good, "iss": "https://evil.example"},
        {**good, "aud": "other"},
        {"iss": good["iss"]},
    ]
    for wrong in wrongs:
        with pytest.raises(Unauthenticated):
            strict.verify(token(**wrong), NOW)


def test_roles_that_nobody_knows_give_nothing() -> None:
    principal = verifier().verify(token(roles=["root", "viewer"]), NOW)
    assert principal.roles == ("viewer",)
    assert not verifier().verify(token(roles=[]), NOW).may("viewer")
    assert verifier().verify(token(tenant=...), NOW).tenant == "default"


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "a" * 9_000, "..", "\x00.\x00.\x00", "é.é.é"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        verifier().verify(text, NOW)


def test_a_signature_counts_to_the_last_character() -> None:
    head, _, signature = token().rpartition(".")
    for changed in (f"{head}.", f"{head}.{signature[:-2]}", f"{head}.{'A' * len(signature)}"):
        with pytest.raises(Unauthenticated):
            verifier().verify(changed, NOW)


def test_keys_that_are_weak_or_of_another_kind_are_refused(rsa: RSAPrivateKey, tmp_path: Path) -> None:
    private = rsa.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    weak = generate_private_key(65_537, 1_024)
    for key, algorithm in (
        (b"short", "HS256"),
        (pem(rsa), "HS256"),
        (pem(rsa), "EdDSA"),
        (pem(Ed25519PrivateKey.generate()), "RS256"),
        (pem(weak), "RS256"),
        (private, "RS256"),
        (b"nonsense", "RS256"),
        (STRANGE, "EdDSA"),
        (STRANGE, "RS256"),
    ):
        with pytest.raises(InvalidInput, match="jwt_key"):
            verifier(key=key, algorithm=algorithm)
    with pytest.raises(InvalidInput, match="jwt_algorithm"):
        read_verifier(tmp_path / "key", None, None, None)
    with pytest.raises(InvalidInput, match="No such file"):
        read_verifier(tmp_path / "key", "HS256", None, None)
    (tmp_path / "key").write_bytes(SECRET + b"\n")
    assert read_verifier(tmp_path / "key", "HS256", None, None).verify(token(), NOW).name == "ann"


def test_another_key_or_another_demand_is_another_proof() -> None:
    made = [verifier(), verifier(key=b"t" * 32), verifier(issuer="i"), verifier(audience="a")]
    assert len({one.proof for one in made}) == len(made)


def test_a_token_that_was_verified_before_still_ends() -> None:
    one = verifier()
    known = token()
    assert one.verify(known, NOW) == one.verify(known, NOW + 59.9)
    with pytest.raises(Unauthenticated):
        one.verify(known, NOW + 60)
    with pytest.raises(Unauthenticated):
        one.verify(known + "x", NOW)

"""JSON Web Tokens (RFC 7519) of another issuer, checked by RFC 8725: one algorithm, fixed here, never by the token.

Claims: `exp` and `sub` must be there, `tenant` and `roles` say whose and what; `iss` and `aud` are checked where
they are configured.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from ..actors.core.errors import Fault, InvalidInput
from ..actors.core.tenancy import DEFAULT, TENANT
from .principal import ROLES, Principal
from .problems import Unauthenticated

Algorithm: TypeAlias = Literal["HS256", "RS256", "EdDSA"]
MIN_SECRET: Final = 32
"""Bytes of an HS256 secret (RFC 7518, section 3.2)."""
MIN_RSA: Final = 2_048
"""Bits of an RSA key (RFC 7518, section 3.3)."""
MOST_KNOWN: Final = 4_096
"""Tokens that are remembered as verified: a signature costs a hundred times what a look-up does."""
MAX_TOKEN: Final = 8_192
"""Characters of a token that is looked at."""


class Claims(msgspec.Struct):
    """What is read of a token, besides what PyJWT checks."""

    sub: str
    exp: float
    nbf: float = 0.0
    tenant: str = DEFAULT
    roles: tuple[str, ...] = ()


class JwtVerifier:
    """Checks tokens against one key.

    Attributes:
        proof: a digest of the key and all that is asked of a token.
    """

    def __init__(self, key: bytes, algorithm: Algorithm, issuer: str | None, audience: str | None) -> None:
        import jwt  # cryptography takes 50 ms to import, and most servers need none of it

        self._jwt = jwt
        self._key: Any = _checked_key(key, algorithm)
        self._algorithm = algorithm
        self._issuer = issuer
        self._audience = audience
        self._verified: dict[bytes, Principal] = {}
        self.proof = hashlib.sha256(repr((key, algorithm, issuer, audience)).encode()).hexdigest()

    def verify(self, token: str, now: float) -> Principal:
        """Return who a token speaks for; `now` is in seconds since the Unix epoch.

        Raises:
            Unauthenticated: it is none of ours, or not valid now.
        """
        if len(token) > MAX_TOKEN:
            raise Unauthenticated("the token is too long", "invalid_token")
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        principal = self._verified.get(digest)
        if principal is None:
            principal = self._principal(token, now)
            if len(self._verified) >= MOST_KNOWN:
                self._verified.clear()
            self._verified[digest] = principal
        if principal.expires_at is None or now >= principal.expires_at:
            raise Unauthenticated("the token isn't valid any more", "invalid_token")
        return principal

    def _principal(self, token: str, now: float) -> Principal:
        """Check all of a token that never changes, and that its time has come."""
        required = ["exp", "sub"] + ["iss"] * (self._issuer is not None) + ["aud"] * (self._audience is not None)
        try:
            content = self._jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                issuer=self._issuer,
                audience=self._audience,
                options={
                    "require": required,
                    "verify_aud": self._audience is not None,
                    "verify_exp": False,  # times are checked below, by a clock that is passed in
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            claims = msgspec.convert(content, Claims)
        except (self._jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError):
            raise Unauthenticated("the token isn't valid here", "invalid_token") from None
        if not math.isfinite(claims.exp) or not claims.nbf <= now:
            raise Unauthenticated("the token isn't valid yet, or has no end", "invalid_token")
        if not TENANT.fullmatch(claims.tenant) or not 0 < len(claims.sub) <= 256:
            raise Unauthenticated("the token's tenant or sub can't be used", "invalid_token")
        roles = tuple(role for role in ROLES if role in claims.roles)
        return Principal(claims.sub, claims.tenant, roles, self.proof, claims.exp)


def read_verifier(path: Path, algorithm: Algorithm | None, issuer: str | None, audience: str | None) -> JwtVerifier:
    """Return a verifier with the key in a file: a secret for HS256, else a public key in PEM.

    Raises:
        InvalidInput: the key, or the algorithm, can't be used, or the extra `sessiond[jwt]` isn't installed.
    """
    if algorithm is None:
        raise _refused("jwt_algorithm", "should say HS256, RS256 or EdDSA: it is never taken from a token")
    try:
        return JwtVerifier(path.read_bytes().strip(), algorithm, issuer, audience)
    except OSError as error:
        raise _refused("jwt_key", f"{path}: {error.strerror}") from None
    except ImportError:
        raise _refused("jwt_key", "needs the extra: pip install 'sessiond[jwt]'") from None


def _checked_key(key: bytes, algorithm: Algorithm) -> Any:
    """The key in the form PyJWT takes, if it fits the algorithm and is long enough."""
    if algorithm == "HS256":
        if key.startswith(b"-----BEGIN"):
            raise _refused("jwt_key", "is a PEM file, and HS256 takes a shared secret")
        if len(key) < MIN_SECRET:
            raise _refused("jwt_key", f"a secret for HS256 should have at least {MIN_SECRET} bytes")
        return key
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(key)
    except (ValueError, UnsupportedAlgorithm):
        raise _refused("jwt_key", f"should be a public key in PEM, for {algorithm}") from None
    if algorithm == "RS256" and isinstance(public, RSAPublicKey) and public.key_size >= MIN_RSA:
        return public
    if algorithm == "EdDSA" and isinstance(public, Ed25519PublicKey):
        return public
    kind = f"RSA of at least {MIN_RSA} bits" if algorithm == "RS256" else "Ed25519"
    raise _refused("jwt_key", f"should be a public key of {kind}, for {algorithm}")


def _refused(name: str, message: str) -> InvalidInput:
    return InvalidInput([Fault(name, message)], "the settings")

"""Who sends a request: by an API key, a JSON Web Token or a ticket; nobody in particular where none is configured."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tornado.httputil import HTTPHeaders, HTTPServerRequest

from ..actors.core.errors import Forbidden, SessiondError
from ..actors.core.token_bucket import TokenBucket
from .files import state_of_files
from .jwt_verifier import JwtVerifier, read_verifier
from .keys import PREFIX, Keys, read_keys
from .lockout import Lockout
from .principal import ANONYMOUS, Principal
from .problems import Unauthenticated
from .settings import Settings
from .tickets import Tickets

logger = logging.getLogger("sessiond.gateway.auth")

HOW: Final = "send the header Authorization: Bearer <key or token>"
MOST_LINES: Final = 5.0
"""Refusals that are logged in a second, at most."""


class Authenticator:
    """Recognises who sends a request, and for how long that holds.

    Args:
        clock: seconds since the Unix epoch.

    Attributes:
        tickets: those that are open.
        lockout: addresses that sent wrong credentials.

    Raises:
        InvalidFile, InvalidInput: a file of keys, or the key for tokens, can't be used.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self.tickets = Tickets(clock)
        self.lockout = Lockout(settings.max_auth_failures, time.monotonic)
        self._lines = TokenBucket(MOST_LINES, MOST_LINES)
        self._seen = self._state_of_files()
        self._keys = self._read_keys()
        self._verifier = self._read_verifier()

    @property
    def required(self) -> bool:
        """Whether anybody has to say who they are."""
        return self._settings.authenticates

    def authenticate(self, headers: HTTPHeaders) -> Principal:
        """Return who sends a request, by its Authorization header.

        Raises:
            Unauthenticated: it isn't there, or isn't right.
        """
        if not self.required:
            return ANONYMOUS
        given = headers.get_list("Authorization")
        if not given:
            raise Unauthenticated(f"say who you are: {HOW}")
        scheme, _, token = given[0].strip().partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated(f"the Authorization header can't be used: {HOW}", "invalid_request")
        return self._recognise(token.strip())

    def admit(self, request: HTTPServerRequest, session_id: str | None = None) -> Principal:
        """Return who opens a stream, by the Authorization header or by `?ticket=`.

        Args:
            request: that asks for the stream.
            session_id: as the request says it, for a stream of one session.

        Raises:
            Unauthenticated: neither is there, or isn't right.
            NotFound: the session can't be one of the ticket's holder.
        """
        tickets = request.query_arguments.get("ticket", [])
        if not self.required or not tickets or "Authorization" in request.headers:
            return self.authenticate(request.headers)
        principal = self.tickets.redeem(tickets[0].decode(errors="replace"), session_id)
        if not self.valid(principal):
            raise Unauthenticated("who got this ticket has no leave any more", "invalid_token")
        return principal

    def renew(self, held: Principal, token: str) -> Principal:
        """Return who a stream is of from now on, by a fresh key or token of the one whose it is already.

        Raises:
            Unauthenticated: it isn't right.
            Forbidden: it is somebody else's, or of one who may read no more.
        """
        if not self.required:
            return held
        fresh = self._recognise(token.strip())
        if (fresh.tenant, fresh.name) != (held.tenant, held.name):
            raise Forbidden("this is somebody else's: the connection stays with the one who opened it")
        fresh.require("viewer")
        return fresh

    def valid(self, principal: Principal) -> bool:
        """Return whether a principal that was recognised would be so now."""
        if not self.required:
            return True
        if principal.expires_at is not None and self._clock() >= principal.expires_at:
            return False
        known = self._verifier is not None and principal.proof == self._verifier.proof
        return known or (self._keys is not None and principal.proof in self._keys.proofs)

    @contextmanager
    def watching(self, address: str) -> Iterator[None]:
        """Count and log it if the body refuses who is at an address, without what was sent; a flood is cut short.

        Raises:
            LockedOut: the address has sent too many wrong credentials.
        """
        if self.required:
            self.lockout.check(address)
        try:
            yield
        except Unauthenticated as error:
            if error.guessed:
                self.lockout.failed(address)
            if self._lines.take(time.monotonic()) == 0.0:
                logger.info("401 for %s: %s", address or "an unknown address", error.detail)
            raise

    def refresh(self) -> bool:
        """Read the files again if they changed; return whether they did."""
        seen = self._state_of_files()
        if seen == self._seen:
            return False
        self.reload()
        return True

    def reload(self) -> None:
        """Read the files again; what can't be used stays as it was, it alone, and the log says so."""
        self._seen = self._state_of_files()
        try:
            self._keys = self._read_keys()
            logger.info("read %d keys", len(self._keys or ()))
        except SessiondError as error:
            logger.error("the keys stay as they were: %s", error)
        try:
            self._verifier = self._read_verifier()
        except SessiondError as error:
            logger.error("the key for tokens stays as it was: %s", error)

    def _recognise(self, token: str) -> Principal:
        if token.startswith(PREFIX):
            principal = None if self._keys is None else self._keys.find(token)
            if principal is None or not self.valid(principal):
                raise Unauthenticated("the key is unknown, or its time is over", "invalid_token")
            return principal
        if self._verifier is None:
            raise Unauthenticated("the token is none of ours", "invalid_token")
        return self._verifier.verify(token, self._clock())

    def _read_keys(self) -> Keys | None:
        given = self._settings.keys
        return None if given is None else read_keys(Path(given))

    def _read_verifier(self) -> JwtVerifier | None:
        given = self._settings
        if given.jwt_key is None:
            return None
        return read_verifier(Path(given.jwt_key), given.jwt_algorithm, given.jwt_issuer, given.jwt_audience)

    def _state_of_files(self) -> list[tuple[int, int, int] | None]:
        return state_of_files(self._settings.keys, self._settings.jwt_key)

"""TLS: the certificate that new connections are shown, their handshakes, and whom a client trusts.

A certificate is renewed in place. Its files are read again when they change; connections that are open keep what
they have agreed on, and files that can't be used change nothing.
"""

from __future__ import annotations

import logging
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final

from tornado.iostream import SSLIOStream

from ..actors.core.errors import Fault, InvalidInput
from .files import FileFault, InvalidFile, state_of_files
from .patience import PatientStream

logger = logging.getLogger("sessiond.gateway.tls")

_ANOTHERS: Final = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})
"""What OpenSSL calls a key that isn't the certificate's."""
_UNREAD: Final = 65_536
"""Bytes of a request without TLS that are read over, before its connection is closed."""


class TlsStream(PatientStream, SSLIOStream):
    """A server's end of a connection, on the loop from the handshake on.

    Tornado logs every handshake that fails, some with a traceback: whoever speaks no TLS could fill the log. It also
    closes without saying so (RFC 8446, section 6.1), which to the peer looks as if the rest had been cut off.
    """

    def _do_ssl_handshake(self) -> None:
        self._handshake_reading = self._handshake_writing = False
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._handshake_reading = True
        except ssl.SSLWantWriteError:
            self._handshake_writing = True
        except (OSError, AttributeError) as error:  # it has no TLS object if the peer left before
            logger.debug("a handshake failed: %s", error)
            with suppress(OSError):  # closing with bytes unread would be a reset, which overtakes what was said
                socket.socket.recv(self.socket, _UNREAD)
            self.close(exc_info=error)
        else:
            super()._do_ssl_handshake()  # does what follows

    def _is_connreset(self, e: BaseException) -> bool:
        """Whether an error ends the connection without a line in the log: also one of TLS after the handshake."""
        return isinstance(e, ssl.SSLError) or super()._is_connreset(e)

    def close_fd(self) -> None:
        """Say that nothing follows, and close without waiting for the peer to say so too."""
        with suppress(OSError, ValueError):  # it can't be said in a handshake, or amid a write
            self.socket.unwrap()
        super().close_fd()


class Certificate:
    """The server's certificate with its key, from two files.

    Raises:
        InvalidFile: one can't be used.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert = cert
        self._key = key
        self._seen = state_of_files(cert, key)
        self._context = _showing(cert, key)

    def stream(self, connection: socket.socket, most: int) -> TlsStream:
        """Return the stream of a connection that was accepted; its handshake is yet to come.

        Args:
            connection: non-blocking.
            most: bytes that it holds of what was received.

        Raises:
            OSError: the peer has left.
        """
        connection.getpeername()  # wrap_socket would raise too, and leave its half-made socket open
        wrapped = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return TlsStream(wrapped, max_buffer_size=most, ssl_options=self._context)

    def refresh(self) -> None:
        """Read the files again if they changed."""
        if state_of_files(self._cert, self._key) != self._seen:
            self.reload()

    def reload(self) -> None:
        """Read the files again; if one can't be used, all stays as it was, and the log says so."""
        self._seen = state_of_files(self._cert, self._key)
        try:
            self._context = _showing(self._cert, self._key)
        except InvalidFile as error:
            logger.error("the certificate stays as it was: %s", error)
            return
        logger.info("read the certificate in %s", self._cert)


def read_certificate(cert: str | None, key: str | None) -> Certificate | None:
    """Return the certificate that the settings `tls_cert` and `tls_key` name, None for no TLS.

    Raises:
        InvalidInput: one is there without the other.
        InvalidFile: one can't be used.
    """
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        absent, other = ("tls_cert", "tls_key") if cert is None else ("tls_key", "tls_cert")
        raise InvalidInput([Fault(absent, f"has to be set too where {other} is")], "the settings")
    return Certificate(Path(cert), Path(key))


def trusting(ca: Path) -> ssl.SSLContext:
    """Return how a client checks servers by the authorities in a file, and by no others.

    Raises:
        InvalidFile: it can't be used.
    """
    _check_certificates(ca)
    return ssl.create_default_context(cafile=ca)


def _showing(cert: Path, key: Path) -> ssl.SSLContext:
    _check_certificates(cert)
    _check_readable(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password=_no_passphrase)
    except _PassphraseWanted:
        raise _refused(key, "is encrypted; a server can't be asked for a passphrase") from None
    except ssl.SSLError as error:
        if error.reason in _ANOTHERS:
            raise _refused(key, f"isn't the key of the certificate in {cert}") from None
        if error.reason is None:
            raise _refused(key, "isn't a private key in PEM") from None
        raise _refused(cert, f"can't be used: {error.reason.replace('_', ' ').lower()}") from None
    return context


def _check_certificates(path: Path) -> None:
    _check_readable(path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise _refused(path, "isn't a certificate in PEM") from None


def _check_readable(path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise _refused(path, error.strerror or "can't be read") from None


def _refused(path: Path, why: str) -> InvalidFile:
    return InvalidFile([FileFault(str(path), why)])


class _PassphraseWanted(Exception):
    """A key is encrypted; OpenSSL would ask at the terminal."""


def _no_passphrase() -> str:
    raise _PassphraseWanted

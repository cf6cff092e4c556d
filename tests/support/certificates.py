"""An authority of the test's own, and the certificates that it issues."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Vouches for servers on this machine.

    Attributes:
        ca: the file with its own certificate.
        cert: the file with the certificate that it issued last.
        key: the file with that one's key.
        settings: of a server that shows that one.
    """

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = directory / f"{name}.pem"
        self.cert = directory / f"{name}-server.pem"
        self.key = directory / f"{name}-server.key"
        self.settings = {"tls_cert": str(self.cert), "tls_key": str(self.key)}
        self._sign(self.ca, self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        self.issue()

    def issue(self, passphrase: bytes | None = None, name: str = "localhost") -> int:
        """Write a new certificate and its key in place of those that were there; return its serial number.

        It is for 127.0.0.1 and `name`.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        named = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName(name)])
        return self._sign(self.cert, subject, key.public_key(), named)

    def _sign(
        self, path: Path, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> int:
        now, own = datetime.now(UTC), self._key.public_key()
        certificate = (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number(), now - DAY, now + DAY)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
            .sign(self._key, SHA256())
        )
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        return certificate.serial_number

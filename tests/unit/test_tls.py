"""Certificates and authorities from files, and what is said of those that can't be used."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from support.certificates import Authority

from sessiond.actors.core.errors import InvalidInput
from sessiond.gateway.files import InvalidFile
from sessiond.gateway.tls import Certificate, read_certificate, trusting


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:150])


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_without_files_there_is_no_tls() -> None:
    assert read_certificate(None, None) is None


def test_one_file_without_the_other_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="tls_key: has to be set too where tls_cert is"):
        read_certificate("cert.pem", None)
    with pytest.raises(InvalidInput, match="tls_cert: has to be set too where tls_key is"):
        read_certificate(None, "key.pem")


def test_two_files_that_belong_together_are_taken(authority: Authority) -> None:
    assert read_certificate(str(authority.cert), str(authority.key)) is not None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda one: one.cert.unlink(), "authority-server.pem: No such file or directory"),
        (lambda one: one.key.unlink(), "authority-server.key: No such file or directory"),
        (lambda one: directory(one.cert), "authority-server.pem: Is a directory"),
        (lambda one: one.cert.write_text("hello"), "authority-server.pem: isn't a certificate in PEM"),
        (lambda one: cut(one.cert), "authority-server.pem: isn't a certificate in PEM"),
        (lambda one: one.key.write_text("hello"), "authority-server.key: isn't a private key in PEM"),
        (lambda one: cut(one.key), "authority-server.key: isn't a private key in PEM"),
        (lambda one: one.cert.write_bytes(one.key.read_bytes()), "authority-server.pem: isn't a certificate in PEM"),
        (lambda one: one.cert.write_bytes(one.ca.read_bytes()), "server.key: isn't the key of the certificate in "),
        (lambda one: one.issue(b"open sesame"), "authority-server.key: is encrypted"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(
    authority: Authority, fault: Callable[[Authority], object], said: str
) -> None:
    fault(authority)
    with pytest.raises(InvalidFile) as caught:
        Certificate(authority.cert, authority.key)
    assert said in str(caught.value)


def test_files_that_change_are_read_once_and_broken_ones_change_nothing(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    certificate = Certificate(authority.cert, authority.key)
    certificate.refresh()
    assert caplog.messages == []
    authority.issue()
    certificate.refresh()
    certificate.refresh()
    assert caplog.messages == [f"read the certificate in {authority.cert}"]
    caplog.clear()
    cut(authority.key)
    certificate.refresh()
    certificate.refresh()
    assert caplog.messages == [
        f"the certificate stays as it was: {authority.key}: isn't a private key in PEM",
    ]


def test_authorities_in_a_file_are_the_only_ones(authority: Authority) -> None:
    context = trusting(authority.ca)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] == 1


def test_authorities_that_cannot_be_read_are_told_of(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="No such file"):
        trusting(tmp_path / "nowhere.pem")
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(InvalidFile, match="isn't a certificate in PEM"):
        trusting(tmp_path / "ca.pem")

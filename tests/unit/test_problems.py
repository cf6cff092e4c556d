"""Errors as problems: every error of the tree has its status, and bugs show nothing of themselves."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from sessiond.actors.core import errors
from sessiond.actors.core.errors import CommandRefused, Draining, Fault, InvalidInput, NotFound, StoreFull, Unavailable
from sessiond.gateway.problems import (
    MOST_FAULTS,
    BodyTooLarge,
    Malformed,
    MethodNotAllowed,
    UnsupportedMediaType,
    clip,
    close_code,
    headers_of,
    problem_of,
    status_of,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Malformed("x"), 400),
        (NotFound("session", "s"), 404),
        (MethodNotAllowed("PUT", ("GET",)), 405),
        (CommandRefused("pause", "failed", ()), 409),
        (errors.SessionExists("s"), 409),
        (errors.NotWaiting("n", "running"), 409),
        (BodyTooLarge(1), 413),
        (UnsupportedMediaType("text/plain"), 415),
        (InvalidInput([]), 422),
        (errors.InvalidWorkflow([]), 422),
        (errors.CorruptLog("x"), 500),
        (KeyError("x"), 500),
        (Draining("x"), 503),
        (errors.Fenced(1), 503),
        (errors.StoreUnavailable("x"), 503),
        (StoreFull("x"), 507),
    ],
)
def test_the_nearest_ancestor_gives_the_status(error: Exception, status: int) -> None:
    assert status_of(error) == status
    assert problem_of(error).status == status


def descendants(kind: type[errors.SessiondError]) -> Iterator[type[errors.SessiondError]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_codes_are_stable_words() -> None:
    for kind in descendants(errors.SessiondError):
        assert kind.code.replace("_", "").isalpha()
        assert kind.code.islower()


def test_a_refusal_names_status_and_allowed_commands_even_if_there_are_none() -> None:
    encoded = msgspec.json.decode(msgspec.json.encode(problem_of(CommandRefused("pause", "failed", ()), "s1")))
    assert encoded == {
        "type": "urn:sessiond:problem:refused",
        "title": "Conflict",
        "status": 409,
        "detail": "can't pause a session that is failed; allowed: nothing any more",
        "code": "refused",
        "session_id": "s1",
        "session_status": "failed",
        "allowed": [],
    }


def test_faults_are_listed() -> None:
    problem = problem_of(InvalidInput([Fault("$.a", "bad"), Fault("$.b", "worse")]))
    assert problem.errors == [Fault("$.a", "bad"), Fault("$.b", "worse")]


def test_a_bug_shows_nothing_of_itself() -> None:
    problem = problem_of(RuntimeError("the password is 1234"))
    assert (problem.code, "1234" in problem.detail) == ("internal", False)
    assert "secret" not in problem_of(errors.CorruptLog("secret")).detail


def test_headers_tell_when_to_come_back_and_what_is_allowed() -> None:
    assert headers_of(Unavailable("x", retry_after=0.1)) == {"Retry-After": "1"}
    assert headers_of(Unavailable("x", retry_after=2.1)) == {"Retry-After": "3"}
    assert headers_of(MethodNotAllowed("PUT", ("GET", "POST"))) == {"Allow": "GET, POST"}
    assert headers_of(NotFound("session", "s")) == {}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("session", "s"), 4404),
        (InvalidInput([Fault("$.after", "x")]), 1008),
        (Draining("x"), 1001),
        (errors.StoreUnavailable("x"), 1013),
        (errors.Overloaded("x"), 1013),
        (errors.CorruptLog("x"), 1011),
        (RuntimeError("x"), 1011),
    ],
)
def test_close_codes_follow_the_error(error: Exception, code: int) -> None:
    found, reason = close_code(error)
    assert found == code
    assert len(reason.encode()) <= 123


def test_clipping_never_cuts_a_character() -> None:
    assert clip("é" * 100) == "é" * 60
    assert clip("aé", 2) == "a"


@pytest.mark.parametrize(
    "error",
    [
        errors.StoreUnavailable("/srv/secret/s.db: database is locked"),
        StoreFull("/srv/secret/s.db: database or disk is full"),
        errors.StoreBroken("/srv/secret/s.db: disk I/O error"),
        errors.StoreError("/srv/secret/s.db: unable to open database file"),
        errors.Quarantined("s1", errors.CorruptLog("/srv/secret/s.db: file is not a database")),
    ],
)
def test_what_a_store_says_of_itself_is_not_told(error: errors.SessiondError) -> None:
    assert b"secret" not in msgspec.json.encode(problem_of(error))
    assert "secret" not in close_code(error)[1]


def test_more_faults_than_anybody_reads_are_not_told() -> None:
    faults = [Fault(f"$.f{number}", "unknown") for number in range(3 * MOST_FAULTS)]
    assert problem_of(errors.InvalidInput(faults, "the request")).errors == faults[:MOST_FAULTS]

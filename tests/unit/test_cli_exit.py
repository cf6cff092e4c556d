"""Exit codes, and errors as a person or a program reads them."""

from __future__ import annotations

import json

import pytest

from sessiond.actors.core.errors import (
    CommandRefused,
    Draining,
    Fault,
    InvalidInput,
    NotFound,
    SessiondError,
    StoreUnavailable,
)
from sessiond.gateway.cli_exit import Exit, code_of, exit_of, reporting
from sessiond.gateway.files import FileFault, InvalidFile

TWO = InvalidInput([Fault("$.a", "is missing"), Fault("$.b", "is odd")], "the input")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TWO, Exit.BAD_INPUT),
        (InvalidFile([FileFault("w.yaml", "is empty")]), Exit.BAD_INPUT),
        (NotFound("session", "s"), Exit.FAILED),
        (CommandRefused("pause", "failed", ()), Exit.FAILED),
        (StoreUnavailable("away"), Exit.UNAVAILABLE),
        (Draining("bye"), Exit.UNAVAILABLE),
        (OSError("address in use"), Exit.UNAVAILABLE),
        (SessiondError("odd"), Exit.FAILED),
    ],
)
def test_an_error_ends_the_process_with_its_code(
    error: Exception, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(error) is code
    with pytest.raises(SystemExit) as caught, reporting():
        raise error
    assert caught.value.code == code
    assert capsys.readouterr().err


def test_several_faults_are_listed_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), reporting("w.yaml"):
        raise TWO
    assert capsys.readouterr().err == "w.yaml: the input is invalid:\n  $.a: is missing\n  $.b: is odd\n"


def test_faults_of_files_are_lines_that_editors_understand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), reporting():
        raise InvalidFile([FileFault("w.yaml", "is odd", "$.a", 3), FileFault("v.yaml", "is empty")])
    assert capsys.readouterr().err == "w.yaml:3: $.a: is odd\nv.yaml: is empty\n"


def test_json_holds_all_of_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), reporting(as_json=True):
        raise TWO
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == "invalid"
    assert error["faults"] == [{"path": "$.a", "message": "is missing"}, {"path": "$.b", "message": "is odd"}]


def test_what_is_not_foreseen_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), reporting():
        raise ZeroDivisionError
    with pytest.raises(BrokenPipeError), reporting():
        raise BrokenPipeError


def test_a_session_ends_a_command_as_it_ended() -> None:
    assert [exit_of(status) for status in ("completed", "failed", "cancelled")] == [0, 1, 3]

"""A tool that knows nothing but the API's document tries to break a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.command import environment
from support.people import People
from support.served import Served

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,negative_data_rejection,unsupported_method,use_after_free"
)
"""Not `positive_data_acceptance`: a schema can't tell what a graph may be, nor that a session must exist."""


@pytest.mark.timeout(120)
def test_the_server_answers_as_its_document_says_whatever_it_is_asked(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/sessions.db"
    people = People(tmp_path / "keys.jsonl")
    key = people.add("admin", "acme")
    with Served("--store", store, "--keys", people.path, cwd=tmp_path, env={"SESSIOND_WAIT_S": "0.1"}) as server:
        found = subprocess.run(
            [
                *(SCHEMATHESIS, "run", f"{server.url}/openapi.json"),
                *("--checks", CHECKS, "--max-examples", "6", "--seed", "20260131", "--generation-database", "none"),
                *("--phases", "examples,coverage,fuzzing,stateful", "--request-timeout", "5"),
                *("--header", f"Authorization: Bearer {key}", "--no-color"),
            ],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=110,
        )
    assert found.returncode == 0, found.stdout[-6_000:]
    assert "Traceback" not in (tmp_path / "serve.log").read_text()

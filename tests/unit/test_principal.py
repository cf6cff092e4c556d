"""Roles include the ones before them; and who may call what is one table."""

from __future__ import annotations

import pytest

from sessiond.actors.core.errors import Forbidden, NotFound
from sessiond.gateway.commands import COMMANDS
from sessiond.gateway.principal import ANONYMOUS, NOBODY, ROLES, Principal
from sessiond.gateway.routes import ROUTES


def test_each_role_may_do_what_those_before_it_may() -> None:
    for place, own in enumerate(ROLES):
        principal = Principal("p", roles=(own,))
        assert [role for role in ROLES if principal.may(role)] == list(ROLES[: place + 1])
    assert not any(NOBODY.may(role) for role in ROLES)
    assert all(ANONYMOUS.may(role) for role in ROLES)
    with pytest.raises(Forbidden, match="'author'"):
        Principal("p", roles=("operator",)).require("author")


def test_a_principal_means_its_own_sessions_only() -> None:
    principal = Principal("p", "acme", ("admin",), "proof")
    assert principal.session("s1") == principal.session("s1@acme") == "s1@acme"
    with pytest.raises(NotFound):
        principal.session("s1@zeta")


def test_the_log_names_only_those_who_were_recognised() -> None:
    assert Principal("ann", proof="x").by == "ann"
    assert ANONYMOUS.by is None


def test_who_may_call_what() -> None:
    needs = {f"{route.method} {route.path.removeprefix('/api/v1')}": route.needs for route in ROUTES}
    assert needs == {
        "GET /livez": None,
        "GET /openapi.json": None,
        "GET /asyncapi.json": None,
        "GET /docs": None,
        "GET /metrics": "admin",
        "GET /readyz": None,
        "GET /sessions": "viewer",
        "GET /sessions/counts": "viewer",
        "GET /sessions/{session_id}": "viewer",
        "GET /sessions/{session_id}/workflow": "viewer",
        "GET /sessions/{session_id}/events": "viewer",
        "GET /reviews": "viewer",
        "GET /workflows": "viewer",
        "GET /workflows/{workflow_id}": "viewer",
        "GET /me": "viewer",
        "GET /node-types": "viewer",
        "POST /tickets": "viewer",
        "POST /workflows/execute": "operator",
        "POST /sessions": "operator",
        "POST /sessions/{session_id}/control": "operator",
        "POST /sessions/{session_id}/review": "operator",
        "POST /sessions/{session_id}/nodes/{node_id}/resume": "operator",
        "POST /sessions/{session_id}/nodes/{node_id}/retry": "operator",
        "POST /sessions/{session_id}/nodes/{node_id}/skip": "operator",
        "POST /sessions/{session_id}/signal": "operator",
        "POST /sessions/{session_id}/fork": "operator",
        "POST /workflows/validate": "author",
        "PUT /workflows/{workflow_id}": "author",
        "DELETE /workflows/{workflow_id}": "author",
        "DELETE /sessions/{session_id}": "admin",
    }


def test_who_may_give_which_command_over_a_socket() -> None:
    assert {name: spec.needs for name, spec in COMMANDS.items()} == {
        "subscribe": "viewer",
        "unsubscribe": "viewer",
        "ping": "viewer",
        "authenticate": "viewer",
        "start_session": "operator",
        "pause_session": "operator",
        "resume_session": "operator",
        "stop_session": "operator",
        "cancel_session": "operator",
        "user_input": "operator",
    }

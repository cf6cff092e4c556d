"""The example graphs, each started on a real server over HTTP and driven to every one of its ends."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from support.command import EXAMPLES, ROOT, command
from support.front_door import Script, drive, resume, retry, review, signal, skip
from support.served import Served

from sessiond.gateway.client import Client

FILES = sorted(EXAMPLES.glob("*.yaml"))
CHEAP = {"text": "cheap bread", "slow_s": 0.2}
NIGHT = {"start_at": "2026-01-01T02:00:00Z", "pages": 3, "breath_s": 0.02}
FIX = [review("modify", {"action": "restart"}), review("modify", {"action": "roll_back"})]
CAUSE = [review("modify", {"cause": "a full disk"})]
TRIED = ["flight", "flight_booked", "hotel", "hotel_booked", "car", "car_booked"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    workflows = [word for path in FILES for word in ("--workflow", path)]
    env = {"PYTHONPATH": str(ROOT)}
    where = tmp_path_factory.mktemp("examples")
    with Served("--store", "sqlite:///s.db", "--nodes", "examples.tools", *workflows, cwd=where, env=env) as server:
        yield server


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Client]:
    async with Client(served.url) as made:
        yield made


def ballots(*actions: str) -> Script:
    names = ("security", "operations", "product")
    return {name: [review(action)] for name, action in zip(names, actions, strict=True)}


@pytest.mark.parametrize(
    ("workflow_id", "given", "script", "output", "path"),
    [
        pytest.param(
            "approval_escalation",
            {"what": "tea", "amount": 3},
            {"lead": [review("approve")]},
            {"granted": True, "by": "lead"},
            ["request", "lead", "lead_said", "granted"],
            id="approval: in time",
        ),
        pytest.param(
            "approval_escalation",
            {"what": "tea", "amount": 3},
            {"lead": [review("reject")]},
            {"granted": False, "by": "lead"},
            ["request", "lead", "lead_said", "refused"],
            id="approval: a no is an answer",
        ),
        pytest.param(
            "approval_escalation",
            {"what": "tea", "amount": 3, "patience_s": 0.02},
            {"director": [review("approve")]},
            {"granted": True, "by": "director"},
            ["request", "lead", "lead_said", "director", "director_said", "granted"],
            id="approval: escalated",
        ),
        pytest.param(
            "trip_saga",
            {"trip": "Rome"},
            {},
            {"booked": True, "bookings": ["flight-Rome", "hotel-Rome", "car-Rome"]},
            [*TRIED, "booked"],
            id="saga: all",
        ),
        pytest.param(
            "trip_saga",
            {"trip": "Rome", "sold_out": ["car"]},
            {},
            {"booked": False, "missing": "no car to Rome is left", "undone": ["hotel-Rome", "flight-Rome"]},
            [*TRIED, "undo_hotel", "undo_flight", "given_up"],
            id="saga: two undone, the latest first",
        ),
        pytest.param(
            "trip_saga",
            {"trip": "Rome", "sold_out": ["hotel"]},
            {},
            {"booked": False, "missing": "no hotel to Rome is left", "undone": ["flight-Rome"]},
            [*TRIED[:4], "undo_flight", "given_up"],
            id="saga: one undone",
        ),
        pytest.param(
            "trip_saga",
            {"trip": "Rome", "sold_out": ["flight"]},
            {},
            {"booked": False, "missing": "no flight to Rome is left", "undone": []},
            [*TRIED[:2], "given_up"],
            id="saga: nothing to undo",
        ),
        pytest.param(
            "payment_retry",
            {"amount": 12.5, "failures": 1},
            {},
            {"receipt": "R-12.50", "attempts": 2},
            ["charge", "receipt"],
            id="payment: the second attempt",
        ),
        pytest.param(
            "payment_retry",
            {"amount": 12.5, "failures": 3},
            {"charge": [retry()]},
            {"receipt": "R-12.50", "attempts": 4},
            ["charge", "receipt"],
            id="payment: a person lets it run again",
        ),
        pytest.param(
            "payment_retry",
            {"amount": 12.5, "failures": 9},
            {"charge": [skip({"receipt": "in cash"})]},
            {"receipt": "in cash", "attempts": 3},
            ["charge", "receipt"],
            id="payment: a person puts a result in its place",
        ),
        pytest.param(
            "nightly_batch",
            NIGHT,
            {},
            {"pages": 3, "rows": 30},
            ["night", *["breath", "export", "more"] * 3, "report"],
            id="batch: three pages",
        ),
        pytest.param(
            "order_fulfilment",
            {"order": "A"},
            {
                "payment": [signal("payment_received", {"amount": 40})],
                "delivery": [signal("delivered", {"at": "the door"})],
            },
            {"order": "A", "status": "fulfilled", "paid": 40, "delivered": "the door"},
            ["reserve", "payment", "paid", "pack", "ship", "delivery", "fulfilled"],
            id="order: paid",
        ),
        pytest.param(
            "order_fulfilment",
            {"order": "A", "patience_s": 0.02},
            {},
            {"order": "A", "status": "lapsed", "why": "no signal 'payment_received' within 0.02 s"},
            ["reserve", "payment", "paid", "release", "lapsed"],
            id="order: not paid in time",
        ),
        pytest.param(
            "incident_runbook",
            {"service": "search", "healthy_at": 3},
            {"page": [signal("acknowledged", {"by": "ann"})], "choose": FIX, "report": CAUSE},
            {"service": "search", "acknowledged_by": "ann", "looks": 3, "healthy": True, "cause": "a full disk"},
            [
                *["page", "answered", "look", "sick", "choose", "chosen", "restart", "healthy"],
                *["look", "sick", "choose", "chosen", "roll_back", "healthy", "look", "sick", "healthy"],
                *["report", "closed"],
            ],
            id="incident: restarted, rolled back, healthy",
        ),
        pytest.param(
            "incident_runbook",
            {"service": "search", "healthy_at": 1, "patience_s": 0.02},
            {"page_manager": [signal("acknowledged", {"by": "the manager"})], "report": CAUSE},
            {
                "service": "search",
                "acknowledged_by": "the manager",
                "looks": 1,
                "healthy": True,
                "cause": "a full disk",
            },
            ["page", "answered", "page_manager", "look", "sick", "healthy", "report", "closed"],
            id="incident: the manager is paged, and nothing is wrong",
        ),
    ],
)
async def test_it_goes_its_way(
    client: Client, workflow_id: str, given: Any, script: Script, output: Any, path: list[str]
) -> None:
    started = await client.execute(workflow_id, given)
    ran = await drive(client, started.session_id, script)
    assert ran.detail.status == "completed", ran.detail.error
    assert (ran.output, ran.path) == (output, path)


async def test_an_early_payment_is_kept(client: Client) -> None:
    started = await client.execute("order_fulfilment", {"order": "B"}, start=False)
    await client.signal(started.session_id, {"amount": 7}, name="payment_received")
    await client.control(started.session_id, "start")
    ran = await drive(client, started.session_id, {"delivery": [resume({"at": "the desk"})]})
    assert (ran.output["paid"], ran.output["delivered"]) == (7, "the desk")
    [kept] = [record for record in ran.records if record.event == "signal_received"]
    [taken] = [r for r in ran.records if r.event == "node_resumed" and r.node_id == "payment"]
    assert taken.data["signal_seq"] == kept.seq < taken.seq


@pytest.mark.parametrize(
    ("actions", "end", "yes"),
    [
        (("approve", "reject", "approve"), "release", 2),
        (("reject", "reject", "approve"), "drop", 1),
    ],
)
async def test_a_quorum_decides(client: Client, actions: tuple[str, ...], end: str, yes: int) -> None:
    started = await client.execute("quorum_vote", {"change": "x"})
    ran = await drive(client, started.session_id, ballots(*actions))
    assert ran.output["counts"] == {"approve": yes, "reject": 3 - yes}
    assert ran.path[-3:] == ["tally", "carried", end]
    assert ran.failed == set(), "a no is a ballot, not a failure"


async def test_whoever_does_not_vote_in_time_has_voted_no(client: Client) -> None:
    started = await client.execute("quorum_vote", {"change": "x", "patience_s": 0.3})
    ran = await drive(client, started.session_id, {"product": [review("approve")]})
    assert ran.output == {"dropped": "x", "counts": {"approve": 1, "reject": 2}}


@pytest.mark.parametrize(("target", "rounds", "reached"), [(0.5, 1, True), (0.7, 2, True), (1, 4, False)])
async def test_the_researchers_go_round_until_the_score(
    client: Client, target: float, rounds: int, reached: bool
) -> None:
    started = await client.execute("research_council", {"question": "tea", "target": target, "pace": 0})
    ran = await drive(client, started.session_id)
    assert (ran.output["rounds"], ran.output["reached"]) == (rounds, reached)
    for number in range(rounds):
        lap = ran.path[number * 7 : number * 7 + 7]
        assert (lap[0], sorted(lap[1:4]), lap[4:]) == (
            "brief",
            ["economist", "engineer", "historian"],
            ["editor", "critic", "again"],
        )


@pytest.mark.parametrize(
    ("given", "script", "published", "ways"),
    [
        ({"text": "bread", "slow_s": 0.2}, {}, True, ["tally", "decide", "publish"]),
        ({"text": "a winner", "slow_s": 0.2}, {}, False, ["tally", "decide", "remove"]),
        (CHEAP, {"look": [review("approve")]}, True, ["tally", "decide", "look", "looked", "publish"]),
        (CHEAP, {"look": [review("reject")]}, False, ["tally", "decide", "look", "looked", "remove"]),
    ],
)
async def test_two_labels_are_enough(
    client: Client, given: Any, script: Script, published: bool, ways: list[str]
) -> None:
    started = await client.execute("content_moderation", given)
    ran = await drive(client, started.session_id, script)
    assert (ran.output["published"], sum(ran.output["counts"].values())) == (published, 2)
    assert [node_id for node_id in ran.path if node_id in ways] == ways
    assert ran.path.index("tally") < ran.path.index("thorough"), "the slow one isn't waited for"
    assert ran.detail.nodes["thorough"].status == "completed"


@pytest.mark.parametrize(
    ("broken", "winner"), [([], "near"), (["near"], "far"), (["near", "far", "farthest"], None), (["far"], "near")]
)
async def test_the_first_answer_wins(client: Client, broken: list[str], winner: str | None) -> None:
    started = await client.execute("mirror_race", {"broken": broken})
    ran = await drive(client, started.session_id)
    assert ran.output == {"winner": winner}
    ends = [node_id for node_id in ran.path if node_id in ("first", "none")]
    assert ends == ["first" if winner else "none"]
    if winner:
        assert ran.path[: ran.path.index("first")][-2:] == [winner, f"{winner}_came"]
    error = ran.detail.nodes["farthest"].error
    assert error is not None
    assert error.code == "timeout"


async def test_a_map_keeps_what_was_counted_when_a_person_puts_the_rest_right(client: Client) -> None:
    right = {"texts": ["to be or", "not to", "be"]}
    started = await client.execute("map_reduce", {"texts": ["to be or", " ", "be"], "at_once": 1})
    ran = await drive(client, started.session_id, {"count": [retry(input=right)]})
    assert (ran.output, ran.path) == ({"words": 6, "of_each": [3, 2, 1]}, ["count", "total", "counted"])
    assert ran.detail.nodes["count"].attempt == 2
    first = f"{started.session_id}~count~0"
    assert (await drive(client, first)).output == 3
    begun = [r.data["child_id"] for r in ran.records if r.event == "child:started"]
    assert begun.count(first) == 1


def test_all_are_valid_and_none_is_left_out() -> None:
    done = command("validate", *FILES)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": valid") == len(FILES)
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in FILES if f"({path.name})" not in listed] == []


def suggestions() -> list[Any]:
    """The `sessiond run …` lines at the top of the examples; words far behind them are remarks."""
    found = []
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#   sessiond run ") and not path.stem.startswith("council_"):
                words = shlex.split(line.removeprefix("#   sessiond ").partition("   ")[0])
                found.append(pytest.param(words, id=" ".join(words[1:])))
    return found


@pytest.mark.parametrize("words", suggestions())
def test_what_is_suggested_can_be_typed(words: list[str]) -> None:
    done = command(*words, *([] if "--yes" in words else ["--yes"]), cwd=ROOT)
    assert done.returncode == 0, done.stderr

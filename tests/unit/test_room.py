"""What a session's nodes put out is bounded together."""

from __future__ import annotations

from support.graphs import Engine, fan, graph, loop

MEBIBYTE = "x" * 1_048_000


def test_the_outputs_of_a_sessions_nodes_are_bounded_together() -> None:
    engine = Engine(fan(70, ["e"]))
    engine.create(start=True)
    engine.run_out(output=MEBIBYTE)
    assert engine.trail().count("e running") == 0
    assert engine.state.status == "failed"
    assert engine.state.error is not None
    assert engine.state.error.code == "outputs_too_large"
    assert 60 < sum(line.endswith("completed") for line in engine.trail()) < 66


def test_what_is_put_in_the_place_of_another_round_counts_once() -> None:
    engine = Engine(graph({"a": ["l"], "l": loop("a", "e", 80), "e": []}))
    engine.create(start=True)
    engine.run_out(output=MEBIBYTE)
    assert engine.state.status == "completed"


def test_a_session_of_many_large_ends_fails_rather_than_tell_more_than_a_message_holds() -> None:
    engine = Engine(fan(9, []))
    engine.create(start=True)
    engine.run_out(output=MEBIBYTE)
    assert engine.state.error is not None
    assert engine.state.error.code == "output_too_large"
    assert engine.events()[-1] == "execution:completed"
    fits = Engine(fan(8, []))
    fits.create(start=True)
    fits.run_out(output="x" * 1_000_000)
    assert fits.state.status == "completed"

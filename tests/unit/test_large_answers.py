"""Large answers wait for the clients of a tenant up to a bound."""

from __future__ import annotations

import pytest
from msgspec import Raw
from support.graphs import Engine, graph

from sessiond.actors.core.detail import describe
from sessiond.gateway.large_answers import LARGE, LargeAnswers, size_of
from sessiond.gateway.problems import TooManyAnswers
from sessiond.gateway.responses import ReviewItem, ReviewList


def test_beyond_the_bound_another_look_is_refused_until_one_has_been_taken() -> None:
    answers = LargeAnswers(3 * LARGE)
    with answers.sending("acme", 2 * LARGE):
        with pytest.raises(TooManyAnswers, match="4 MiB of answers wait"), answers.sending("acme", 2 * LARGE):
            pass
        with answers.sending("acme", LARGE), answers.sending("other", 2 * LARGE):
            assert answers.of("acme") == 3 * LARGE
    assert answers.of("acme") == 0
    with answers.sending("acme", 2 * LARGE):
        pass


def test_small_ones_do_not_count_and_one_alone_may_be_any_size() -> None:
    answers = LargeAnswers(3 * LARGE)
    with answers.sending("acme", 9 * LARGE), answers.sending("acme", LARGE - 1):
        assert answers.of("acme") == 9 * LARGE


def test_the_answer_to_a_command_that_was_carried_out_is_given() -> None:
    answers = LargeAnswers(LARGE)
    with answers.sending("acme", LARGE), answers.sending("acme", LARGE, looks=False):
        assert answers.of("acme") == 2 * LARGE


def test_the_size_is_told_before_anything_is_encoded() -> None:
    engine = Engine(graph({"s": {"type": "start", "next_ids": ["e"]}, "e": {"type": "end"}}))
    engine.create(start=True, input=Raw(b'"' + b"x" * 1_000 + b'"'))
    assert 2_000 < size_of(describe(engine.workflow, engine.state, [])) < 2_100
    item = ReviewItem("s", "n", "w", "running", "why", "?" * 500, ())
    assert size_of(ReviewList([item] * 3, None)) == 1_500
    assert (size_of(b"abc"), size_of({"a": 1}), size_of(None)) == (3, 0, 0)

"""A review, asked of a person until the answer is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from sessiond.actors.core.errors import Fault, InvalidInput, NotWaiting
from sessiond.gateway.review_desk import Review, hold_review

REVIEW = Review("ask", ("approve", "reject", "modify"))


class Person:
    """Types what it was given, line by line."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.told: list[str] = []
        self.asked: list[str] = []
        self.answers: list[tuple[str, str, Any]] = []

    def tell(self, text: str) -> None:
        self.told.append(text)

    async def ask(self, question: str) -> str:
        self.asked.append(question)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)

    async def submit(self, node_id: str, action: str, data: Any) -> None:
        self.answers.append((node_id, action, data))
        if data == "too short":
            raise InvalidInput([Fault("$.data", "should be longer")], "the review")


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["a"], ("ask", "approve", None)),
        (["REJECT"], ("ask", "reject", None)),
        (["m", '{"score": 1}'], ("ask", "modify", {"score": 1})),
        (["m", "more salt"], ("ask", "modify", "more salt")),
    ],
)
async def test_a_letter_or_a_word_answers(lines: list[str], answer: tuple[str, str, Any]) -> None:
    person = Person(*lines)
    await hold_review(REVIEW, person, person.submit)
    assert person.answers == [answer]


async def test_what_is_not_offered_is_asked_again() -> None:
    person = Person("m", "", "yes", "a")
    await hold_review(Review("ask", ("approve", "reject")), person, person.submit)
    assert person.asked == ["ask: (a)pprove, (r)eject? "] * 4
    assert person.told == ["please type a, r, or the whole word"] * 3
    assert person.answers == [("ask", "approve", None)]


async def test_an_answer_that_does_not_fit_is_asked_again() -> None:
    person = Person("m", "too short", "m", "long enough")
    await hold_review(Review("ask", ("modify",), {"type": "string"}), person, person.submit)
    assert "$.data: should be longer" in person.told
    assert person.told[0] == 'the answer should fit {"type": "string"}'
    assert [answer[2] for answer in person.answers] == ["too short", "long enough"]


async def test_when_somebody_else_was_faster_it_is_over() -> None:
    person = Person("a")

    async def late(node_id: str, action: str, data: Any) -> None:
        raise NotWaiting(node_id, "completed")

    await hold_review(REVIEW, person, late)
    assert len(person.asked) == 1


async def test_a_closed_terminal_is_told_to_the_caller() -> None:
    person = Person("what?")
    with pytest.raises(EOFError):
        await hold_review(REVIEW, person, person.submit)
    assert person.answers == []

"""What is made of texts is remembered as long as they are together not too long."""

from __future__ import annotations

import pytest

from sessiond.actors.core.remembered import EACH, Remembered


class Maker:
    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, text: str) -> str:
        self.made.append(text)
        if text == "bad":
            raise ValueError(text)
        return text.upper()


def test_it_is_made_once() -> None:
    make = Maker()
    remembered = Remembered(make, 1_000)
    assert [remembered("a"), remembered("a")] == ["A", "A"]
    assert make.made == ["a"]


def test_the_texts_used_last_stay_within_the_bound() -> None:
    make = Maker()
    remembered = Remembered(make, 3 * (EACH + 1))
    for text in "abcad":
        remembered(text)
    assert len(remembered) == 3
    make.made.clear()
    for text in "acd":
        remembered(text)
    assert make.made == []
    remembered("b")
    assert make.made == ["b"]


def test_one_that_is_too_long_is_not_remembered() -> None:
    remembered = Remembered(Maker(), 100)
    assert remembered("x" * 100) == "X" * 100
    assert len(remembered) == 0


def test_what_it_raises_is_raised_again() -> None:
    make = Maker()
    remembered = Remembered(make, 1_000)
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            remembered("bad")
    assert make.made == ["bad", "bad"]

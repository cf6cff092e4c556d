"""What was used last stays, the rest goes."""

from __future__ import annotations

from sessiond.actors.recent import Recent


def test_over_the_bound_what_was_used_longest_ago_goes() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.use("a", 1)
    recent.use("b", 2)
    recent.use("a", 3)
    recent.use("c", 4)
    assert [key for key in "abc" if key in recent] == ["a", "c"]
    assert (recent.get("a", None), recent.get("b", None), len(recent)) == (3, None, 2)


def test_what_is_gone_is_forgotten() -> None:
    recent: Recent[str, int] = Recent(9)
    for number, key in enumerate("abcd"):
        recent.use(key, number)
    recent.discard("a")
    recent.discard("nobody")
    recent.forget(lambda key: key > "b")
    assert [key for key in "abcd" if key in recent] == ["b"]


def test_a_value_is_made_once_and_again_when_it_has_gone() -> None:
    recent: Recent[str, list[str]] = Recent(2)
    first = recent.of("a", list)
    recent.of("b", list)
    assert recent.of("a", list) is first, "also an empty one is there"
    recent.of("c", list)
    assert "b" not in recent
    assert recent.of("b", list) == []
    assert "a" not in recent

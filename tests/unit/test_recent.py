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

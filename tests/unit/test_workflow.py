from __future__ import annotations

from support.graphs import chain, compiled, graph


def test_equal_definitions_have_equal_versions_whatever_their_order() -> None:
    one = graph({"a": ["b"], "b": []})
    other = dict(reversed(list(one.items())))
    assert compiled(one).version == compiled(other).version
    assert compiled(one).version != compiled(chain(2)).version

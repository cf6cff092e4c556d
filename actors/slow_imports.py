"""Packages that take long to import, loaded before sessions run rather than in the middle of one."""

from __future__ import annotations


def load() -> None:
    """Import what expressions and schemas need: 0.3 s, which would block the event loop."""
    import cel  # noqa: F401
    import jsonschema_rs  # noqa: F401
    from jsonschema import Draft202012Validator  # noqa: F401

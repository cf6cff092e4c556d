"""API keys and their file."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from sessiond.actors.core.errors import InvalidInput
from sessiond.actors.core.timestamps import epoch
from sessiond.gateway.cli_key import read_expiry
from sessiond.gateway.files import InvalidFile
from sessiond.gateway.keys import KeyEntry, append_key, digest, new_key, read_keys

NOW = epoch("2026-01-01T00:00:00Z")


def test_a_key_is_found_by_what_the_file_holds_which_is_not_the_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    token, entry = new_key("acme", ("operator",), "2030-01-01T00:00:00Z", "ann")
    other, second = new_key("zeta", ("viewer", "author"))
    append_key(path, entry)
    append_key(path, second)
    assert token not in path.read_text()
    assert token.rpartition("_")[2] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = read_keys(path)
    principal = keys.find(token)
    assert principal is not None
    assert (principal.name, principal.tenant, principal.roles) == (f"key:{entry.id}", "acme", ("operator",))
    assert principal.expires_at == epoch("2030-01-01T00:00:00Z")
    found = keys.find(other)
    assert found is not None
    assert keys.proofs == {principal.proof, found.proof}


def test_nothing_but_the_whole_key_is_one(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    token, entry = new_key("acme", ("admin",))
    append_key(path, entry)
    keys = read_keys(path)
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    for wrong in (flipped, token[:-1], token + "A", token.upper(), "", "sdk__", entry.sha256, f"sdk_{entry.id}_", "ä"):
        assert keys.find(wrong) is None
    assert keys.find("sdk_" + "0" * 12 + "_" + "A" * 43) is None


def test_two_keys_are_never_alike_and_carry_256_bits_of_chance() -> None:
    tokens = {new_key("a", ("viewer",))[0] for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {4 + 12 + 1 + 43}
    asked: list[int] = []

    def chance(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    token, entry = new_key("a", ("viewer",), chance=chance)
    assert asked == [6, 32]
    assert entry.sha256 == digest(token)


def test_what_is_wrong_with_a_file_is_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    _, entry = new_key("acme", ("admin",))
    line = msgspec.json.encode(entry).decode()
    naive = msgspec.structs.replace(entry, id="0" * 12, expires_at="2030-01-01T00:00:00")
    path.write_text(
        f"# ours\n\n{line}\n{line}\n{{\n" + line.replace("admin", "boss") + "\n" + msgspec.json.encode(naive).decode()
    )
    with pytest.raises(InvalidFile) as invalid:
        read_keys(path)
    assert [fault.line for fault in invalid.value.faults] == [4, 5, 6, 7]
    with pytest.raises(InvalidFile, match="No such file"):
        read_keys(tmp_path / "nowhere")


def test_a_line_that_was_left_open_is_not_run_into(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    _, first = new_key("acme", ("admin",))
    path.write_bytes(msgspec.json.encode(first))
    append_key(path, new_key("acme", ("viewer",))[1])
    assert len(read_keys(path)) == 2


def test_any_change_of_an_entry_makes_another_proof() -> None:
    _, entry = new_key("acme", ("admin",))
    changes: list[dict[str, object]] = [
        {"tenant": "zeta"},
        {"roles": ("viewer",)},
        {"expires_at": "2030-01-01T00:00:00Z"},
        {"sha256": "0" * 64},
    ]
    changed: list[KeyEntry] = [msgspec.structs.replace(entry, **change) for change in changes]
    assert len({entry.principal().proof, *(other.principal().proof for other in changed)}) == 5


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("30m", "2026-01-01T00:30:00Z"),
        ("12h", "2026-01-01T12:00:00Z"),
        ("90d", "2026-04-01T00:00:00Z"),
        ("2030-01-01T01:00:00+01:00", "2030-01-01T00:00:00Z"),
    ],
)
def test_an_expiry_is_a_span_or_a_time(text: str, ends: str) -> None:
    assert epoch(read_expiry(text, NOW)) == epoch(ends)


@pytest.mark.parametrize("text", ["", "soon", "0d", "-1d", "1y", "2030-01-01", "2025-12-31T23:59:59Z", "9" * 9 + "d"])
def test_what_is_no_expiry_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--expires"):
        read_expiry(text, NOW)

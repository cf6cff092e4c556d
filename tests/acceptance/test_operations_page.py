"""docs/operations.md: every test that it names as a proof exists, and every setting and fault has its line."""

from __future__ import annotations

import re

import msgspec
import pytest
from support.command import ROOT

from sessiond.gateway.settings import Settings

PAGE = (ROOT / "docs" / "operations.md").read_text()
PROOFS = sorted(set(re.findall(r"`((?:unit|contract|integration|faults)/test_\w+)`(?:: (\w+))?", PAGE)))


def test_every_fault_has_a_line() -> None:
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)] == list(range(1, 41))


@pytest.mark.parametrize(("file", "part"), PROOFS, ids=["/".join(filter(None, proof)) for proof in PROOFS])
def test_every_proof_exists(file: str, part: str) -> None:
    source = (ROOT / "tests" / f"{file}.py").read_text()
    assert re.search(rf"def test_\w*{part}", source)


@pytest.mark.parametrize("name", ["store", "strict_durability", "answer_s", "drain_s", "max_body", "stall_s"])
def test_settings_are_named_as_they_are(name: str) -> None:
    assert f"`{name}`" in PAGE
    assert name in {field.name for field in msgspec.structs.fields(Settings)}

"""What a disk may hold after the power failed: a process's writes, replayed from a trace up to any moment.

The model is that of a kernel and a disk that promise the least: what was synced is there; of what was written since,
any sectors of 512 bytes may be there or not, in any order; a file's name is there for sure once its directory was
synced. (A. Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014.)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final, Literal, NamedTuple

SECTOR: Final = 512
_CALLS: Final = "openat,close,pwrite64,write,fdatasync,fsync,ftruncate,unlink,rename"
_LINE: Final = re.compile(r"(\d+) +(.*)")
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_CALL: Final = re.compile(r"(\w+)\((.*)\) += (-?\d+)")
_STRING: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')

Kind = Literal["write", "truncate", "sync", "create", "remove", "ack"]


class Step(NamedTuple):
    """One thing that happened to the files; of an `ack`, `data` is what was acknowledged."""

    kind: Kind
    path: Path
    offset: int = 0
    data: bytes = b""


def traced(command: Sequence[str], log: Path, env: dict[str, str]) -> None:
    """Run a command and write down what it does to files."""
    strace = shutil.which("strace")
    assert strace is not None, "these tests need strace: install the package `strace`"
    options = ["-f", "-qq", "-xx", "-s", "1000000", "-e", f"trace={_CALLS}", "-o", str(log)]
    subprocess.run([strace, *options, *command], env=env, check=True, capture_output=True)


def steps(log: Path, folder: Path, acks: Path) -> Iterator[Step]:
    """Yield what happened in a folder, in the order in which the calls returned."""
    open_files: dict[int, Path] = {}
    begun: dict[str, str] = {}
    for line in log.read_text().splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        thread, text = match.groups()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>").rstrip()
            continue
        if (resumed := _RESUMED.fullmatch(text)) is not None:
            text = begun.pop(thread) + resumed[1]
        if (call := _CALL.match(text)) is not None and int(call[3]) >= 0:
            yield from _step(call[1], call[2], int(call[3]), open_files, folder, acks)


def _step(
    call: str, arguments: str, result: int, open_files: dict[int, Path], folder: Path, acks: Path
) -> Iterator[Step]:
    strings = [bytes.fromhex(found.replace("\\x", "")) for found in _STRING.findall(arguments)]
    if call in ("openat", "unlink", "rename"):
        path = Path(os.fsdecode(strings[0]))
        if call == "rename":
            assert folder not in path.parents, "the model knows of no renames"
        elif call == "unlink" and folder in path.parents:
            yield Step("remove", path)
        elif call == "openat" and (path == folder or folder in path.parents):
            open_files[result] = path
            if "O_CREAT" in arguments:
                yield Step("create", path)
        elif call == "openat":
            open_files.pop(result, None)
        return
    first, _, rest = arguments.partition(",")
    known = open_files.get(int(first))
    if known is None:
        return
    match call:
        case "close":
            del open_files[int(first)]
        case "write" if known == acks:
            yield Step("ack", known, data=strings[0])
        case "pwrite64":
            yield Step("write", known, int(arguments.rsplit(",", 1)[1]), strings[0][:result])
        case "fdatasync" | "fsync":
            yield Step("sync", known)
        case "ftruncate":
            yield Step("truncate", known, int(rest))
        case _:
            raise AssertionError(f"the model knows of no {call} to {known}")


class Disk:
    """Files as the process sees them, and as the disk may have them.

    Attributes:
        acknowledged: what was acknowledged so far, line by line.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stored: dict[Path, bytes] = {}
        self._since: dict[Path, list[Step]] = {}
        self._named: set[Path] = set()
        self.acknowledged: list[str] = []

    def take(self, step: Step) -> None:
        """Let the next thing happen."""
        path = step.path
        match step.kind:
            case "ack":
                self.acknowledged += step.data.decode().splitlines()
            case "create":
                self._stored.setdefault(path, b"")
                self._since.setdefault(path, [])
            case "remove":
                for files in (self._stored, self._since):
                    files.pop(path, None)
                self._named.discard(path)
            case "sync" if path == self._folder:
                self._named.update(self._stored)
            case "sync":
                self._stored[path] = _applied(self._stored[path], self._since[path])
                self._since[path] = []
            case "write" | "truncate":
                self._since[path].append(step)

    def fail(self, into: Path, random: Random, share: float) -> None:
        """Cut the power; write what is left into a folder.

        Args:
            into: an empty folder.
            random: chooses.
            share: how much of what wasn't synced is on the disk all the same, 0 to 1.
        """
        for path, stored in self._stored.items():
            if path in self._named or random.random() < share:
                kept = [part for step in self._since[path] for part in _sectors(step) if random.random() < share]
                (into / path.name).write_bytes(_applied(stored, kept))


def _sectors(step: Step) -> Iterator[Step]:
    """The parts of a write that a disk takes as a whole."""
    if step.kind == "truncate":
        yield step
        return
    at = 0
    while at < len(step.data):
        size = SECTOR - (step.offset + at) % SECTOR
        yield Step("write", step.path, step.offset + at, step.data[at : at + size])
        at += size


def _applied(content: bytes, changes: Sequence[Step]) -> bytes:
    made = bytearray(content)
    for step in changes:
        if step.kind == "truncate":
            del made[step.offset :]
            made.extend(bytes(step.offset - len(made)))
            continue
        end = step.offset + len(step.data)
        made.extend(bytes(max(0, end - len(made))))
        made[step.offset : end] = step.data
    return bytes(made)

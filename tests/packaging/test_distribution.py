"""What is built is what is in the sources, and works where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from support.command import EXAMPLES, ROOT

PACKAGES = ("actors", "gateway", "persistence")
SHIPPED = (".py", ".lua", ".sql", ".html", ".css", ".js")

pytestmark = pytest.mark.timeout(300)


def run(*words: str | Path, cwd: Path) -> str:
    """Run a command that must succeed, without this process's import path, and return what it wrote."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sources() -> set[str]:
    """The files of the packages, as git knows them or would if they were added."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    return {name for name in listed if (ROOT / name).is_file() and not name.startswith(".ns/")}


@pytest.fixture(scope="module")
def export(sources: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources in a place of their own, with nothing built or installed."""
    target = tmp_path_factory.mktemp("export")
    for name in sources:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def built(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the sdist."""
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", target, cwd=export)
    return target


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment with the wheel and what it requires, and nothing else."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=True, symlinks=True)
    run(home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=home)
    return home / "bin"


def console_of(export: Path) -> set[str]:
    """The files of the console that the build made, under the name they have in the wheel."""
    folder = export / "gateway" / "console"
    found = {file.relative_to(export).as_posix() for file in folder.rglob("*") if file.is_file()}
    return {f"sessiond/{name}" for name in found if not Path(name).name.startswith(".")}


def shipped(sources: set[str]) -> set[str]:
    """What a wheel should hold of the sources, under the name it has there."""
    parts = {name for name in sources if name.split("/")[0] in PACKAGES and name.endswith(SHIPPED)}
    return {f"sessiond/{name}" for name in parts | {"__init__.py", "py.typed"}}


def test_the_wheel_holds_the_sources_the_built_console_and_nothing_else(
    wheel: Path, sources: set[str], export: Path
) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    console = console_of(export)
    assert "sessiond/gateway/console/index.html" in console
    assert any(name.endswith(".js") for name in console)
    assert names == shipped(sources) | console


def test_the_sdist_can_be_built_from_without_node(built: Path, sources: set[str], export: Path, tmp_path: Path) -> None:
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
        archive.extractall(tmp_path, filter="data")
    wanted = {name.removeprefix("sessiond/") for name in shipped(sources) | console_of(export)}
    assert wanted <= names
    assert {"pyproject.toml", "setup.cfg", "README.md"} <= names
    assert not any(name.startswith("console/src/") for name in names)
    [unpacked] = tmp_path.iterdir()
    hooks = "import bundle, backend; bundle.find_node = lambda: None; print(backend.get_requires_for_build_wheel())"
    said = run(sys.executable, "-c", f"import sys; sys.path.insert(0, 'console/make'); {hooks}", cwd=unpacked)
    assert "nodejs" not in said  # the wheel beside it was built from this: `build` does so


def test_the_installed_command_works_anywhere(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "sessiond", "validate", *sorted(EXAMPLES.glob("*.yaml")), cwd=tmp_path)
    assert said.count(": valid") == len(list(EXAMPLES.glob("*.yaml")))
    debate = EXAMPLES / "council_debate.yaml"
    output = run(
        installed / "sessiond",
        "run",
        debate,
        "-i",
        "topic=tea",
        "-i",
        "pace=0",
        "--store",
        "sqlite:///s.db",
        cwd=tmp_path,
    )
    assert json.loads(output)["topic"] == "tea"


def test_the_installed_server_has_its_console(installed: Path, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text(
        "from sessiond.gateway.pages import Pages\nprint(Pages().find('').content.decode())\n", encoding="utf-8"
    )
    page = run(installed / "python", script, cwd=tmp_path)
    assert "make console" not in page
    assert '<div id="app">' in page


def test_no_bare_package_is_imported(installed: Path, tmp_path: Path) -> None:
    for name in PACKAGES:  # a host's own packages of these names stay the host's
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("MINE = True\n")
    script = tmp_path / "host.py"
    script.write_text(
        "import asyncio, sys, sessiond\n"
        "from sessiond import Runtime\n"
        f"import sessiond.gateway.cli, sessiond.persistence.sqlite, sessiond.persistence.redis\n"
        f"assert not set(sys.modules) & set({PACKAGES!r}), sys.modules.keys()\n"
        "import persistence\n"
        "assert persistence.MINE\n"
        "print(sessiond.__file__)\n"
    )
    where = Path(run(installed / "python", script, cwd=tmp_path).strip())
    assert where.is_relative_to(installed.parent)


def test_type_checkers_see_the_types(wheel: Path) -> None:
    assert "sessiond/py.typed" in zipfile.ZipFile(wheel).namelist()

"""The console's files over HTTP: what they say of themselves, and that they stand in nobody's way."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from support.people import guarded_site
from support.site import Site, problem

from sessiond.gateway.pages import Pages

PAGE = "<!doctype html><title>x</title>" + "<p>y</p>" * 50
SCRIPT = "console/assets/index-abc123.js"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build(tmp_path / "built", PAGE)
    return tmp_path / "built"


def build(folder: Path, page: str) -> None:
    for name, text in {"index.html": page, SCRIPT: "export {}", "console/theme.js": "1", ".digest": "secret"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "index.html.gz").write_bytes(gzip.compress(page.encode()))


@pytest.fixture
def pages(lone_site: Site, folder: Path) -> Site:
    lone_site.server.serve_pages(Pages(folder))
    return lone_site


async def test_the_page_is_asked_for_each_time_and_what_it_loads_once(pages: Site) -> None:
    page = await pages.fetch("GET", "/")
    assert (page.code, page.body.decode()) == (200, PAGE)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    script = await pages.fetch("GET", f"/{SCRIPT}")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    named = await pages.fetch("GET", "/console/theme.js")
    assert named.headers["Cache-Control"] == "no-cache"


async def test_nothing_may_be_loaded_from_elsewhere_or_stand_inline(pages: Site) -> None:
    policy = (await pages.fetch("GET", "/")).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_a_browser_that_has_it_is_told_so(pages: Site) -> None:
    page = await pages.fetch("GET", "/")
    again = await pages.fetch("GET", "/", headers={"If-None-Match": page.headers["ETag"]})
    assert (again.code, again.body) == (304, b"")
    assert again.headers["ETag"] == page.headers["ETag"]
    other = await pages.fetch("GET", "/", headers={"If-None-Match": '"other"'})
    assert other.code == 200


async def test_head_says_the_same_without_the_page(pages: Site) -> None:
    page, head = await pages.fetch("GET", "/"), await pages.fetch("HEAD", "/")
    assert (head.code, head.body) == (200, b"")
    assert head.headers["Content-Length"] == page.headers["Content-Length"]
    assert head.headers["ETag"] == page.headers["ETag"]


async def test_it_comes_compressed_to_those_who_take_that(pages: Site) -> None:
    packed = await pages.fetch("GET", "/")  # this client takes it, and unpacks it
    assert packed.headers["X-Consumed-Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert int(packed.headers["Content-Length"]) < len(PAGE) == len(packed.body)
    script = await pages.fetch("GET", f"/{SCRIPT}")
    assert "X-Consumed-Content-Encoding" not in script.headers
    reader, writer = await pages.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    plain = await reader.read()
    assert plain.endswith(PAGE.encode())
    assert b"Content-Encoding" not in plain
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "path",
    [
        "/console/none.js",
        "/console/",
        "/console/../pages.py",
        "/console/%2e%2e/pages.py",
        "/console/.digest",
        "/.digest",
        "/index.html.gz",
        "/api/v1/none",
        "/sessions",
    ],
)
async def test_what_is_not_there_is_a_problem_as_everywhere(pages: Site, path: str) -> None:
    problem(await pages.fetch("GET", path), 404)


async def test_a_page_takes_no_other_method(pages: Site) -> None:
    problem(await pages.fetch("POST", "/", b"{}"), 405)


async def test_a_new_build_shows_without_a_restart(pages: Site, folder: Path) -> None:
    await pages.fetch("GET", "/")
    build(folder, "<p>new</p>")
    os.utime(folder / "index.html", ns=(1, 1))
    assert (await pages.fetch("GET", "/")).body == b"<p>new</p>"


async def test_where_nothing_is_built_the_page_says_how(lone_site: Site, tmp_path: Path) -> None:
    lone_site.server.serve_pages(Pages(tmp_path / "none"))
    page = await lone_site.fetch("GET", "/")
    assert page.code == 200
    assert b"<code>make console</code>" in page.body
    problem(await lone_site.fetch("GET", f"/{SCRIPT}"), 404)


async def test_the_page_is_for_everybody_and_the_api_is_not(tmp_path: Path, folder: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        guarded.site.server.serve_pages(Pages(folder))
        assert (await guarded.site.fetch("GET", "/")).code == 200
        problem(await guarded.site.fetch("GET", "/api/v1/sessions"), 401)

"""The web console's built files, as they are served: the page at `/`, what it loads under `/console/`.

They are read whole into memory (a few hundred KiB) and compared with the disk whenever the page is asked for, so a
new build shows without a restart. Only names that were found there are served: a request's path opens no file.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from ..actors.core.errors import NotFound
from .endpoint import Endpoint
from .problems import MethodNotAllowed
from .reply import Reply

BUILT: Final = Path(__file__).with_name("console")
"""Where `make console` puts what it builds."""

POLICY: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types svelte-trusted-html"
)
"""Nothing from elsewhere, nothing inline, nothing evaluated. Libraries place what they draw through the style objects
of elements, which `style-src` doesn't rule; markup comes only from the compiler's own templates, which it names
`svelte-trusted-html`."""

_FOREVER: Final = "public, max-age=31536000, immutable"
_ASSETS: Final = "console/assets/"
"""Names there hold a digest of their content."""

_TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_MISSING: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>sessiond</title>
<h1>sessiond is running; its console isn't built</h1>
<p>In a checkout of the sources, run <code>make console</code>, and load this page again.</p>
<p>The API is there all the same: see <a href="docs">its documentation</a>.</p></html>
"""


class Page(msgspec.Struct, frozen=True):
    """A file, and the same compressed by gzip, if that is smaller."""

    content: bytes
    compressed: bytes | None
    headers: Mapping[str, str]
    etag: str


class Pages:
    """The files of one build.

    Args:
        folder: with `index.html` in it.
    """

    def __init__(self, folder: Path = BUILT) -> None:
        self._folder = folder
        self._mark: tuple[int, int] | None = None
        self._found: dict[str, Page] = {}

    def find(self, path: str) -> Page:
        """Return what belongs to a path without its leading slash; the empty one is the page itself.

        Raises:
            NotFound: there is no such file.
        """
        self._refresh()
        if not self._found and not path:
            return _page("index.html", _MISSING.encode(), None)
        found = self._found.get(path or "index.html")
        if found is None:
            raise NotFound("path", f"/{path}")
        return found

    def _refresh(self) -> None:
        try:
            seen = (self._folder / "index.html").stat()
        except FileNotFoundError:
            self._mark, self._found = None, {}
            return
        mark = (seen.st_mtime_ns, seen.st_size)
        if mark != self._mark:
            self._found = dict(self._read())
            self._mark = mark

    def _read(self) -> list[tuple[str, Page]]:
        found = []
        for file in sorted(self._folder.rglob("*")):
            if not file.is_file() or file.suffix == ".gz" or file.name.startswith("."):
                continue
            name = file.relative_to(self._folder).as_posix()
            packed = file.with_name(f"{file.name}.gz")
            found.append((name, _page(name, file.read_bytes(), packed.read_bytes() if packed.is_file() else None)))
        return found


class PageHandler(Endpoint):
    """Answers with a file of the console. It holds no data, so nobody has to say who they are."""

    async def _answer(self, path: dict[str, str]) -> Reply:
        if self.request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(self.request.method or "", ("GET", "HEAD"))
        pages: Pages = self.settings["pages"]
        page = pages.find(self.request.path.removeprefix("/"))
        if self.request.headers.get("If-None-Match") == page.etag:
            return Reply(None, 304, page.headers)
        packed = page.compressed is not None and "gzip" in self.request.headers.get("Accept-Encoding", "")
        if packed:
            return Reply(page.compressed, headers={**page.headers, "Content-Encoding": "gzip"})
        return Reply(page.content, headers=page.headers)


def _page(name: str, content: bytes, compressed: bytes | None) -> Page:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    kind = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {
        "Content-Type": kind,
        "Cache-Control": _FOREVER if name.startswith(_ASSETS) else "no-cache",
        "Content-Security-Policy": POLICY,
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    return Page(content, compressed, headers, etag)

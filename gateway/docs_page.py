"""`/docs`: an OpenAPI document as one plain page of HTML, readable without a network and without scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { overflow: auto; padding: .75rem; border: 1px solid #8884; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .2rem .8rem .2rem 0;
vertical-align: top; border-bottom: 1px solid #8883; }
details { margin: .4rem 0; } summary { cursor: pointer; } details > *:not(summary) { margin-left: 1rem; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
"""


def render(document: dict[str, Any]) -> str:
    """Return the page."""
    return "".join(_parts(document))


def _parts(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
    yield f"<h1>{title}</h1><p>{_words(info['summary'])}</p><p>{_words(info['description'])}</p>"
    yield "<p>For programs: <a href=/openapi.json>openapi.json</a>, <a href=/asyncapi.json>asyncapi.json</a>.</p>"
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(document, method, path, operation)
    yield "<h2>Types</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield from _schema(name, schema)


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f"<details id='{name}'><summary><code><span class=method>{method.upper()}</span> {escape(path)}</code> "
    yield f"{_words(operation['summary'])}</summary>"
    if "description" in operation:
        yield f"<p>{_words(operation['description'])}</p>"
    if operation["parameters"]:
        yield "<table><tr><th>parameter<th>in<th>type<th></tr>"
        for parameter in operation["parameters"]:
            found = _resolve(document, parameter)
            yield f"<tr><td><code>{escape(found['name'])}</code><td>{found['in']}<td>{_type(found['schema'])}"
            yield f"<td>{_words(found.get('description', ''))}</tr>"
        yield "</table>"
    if "requestBody" in operation:
        for media in operation["requestBody"]["content"].values():
            yield f"<h4>Request: {_type(media['schema'])}</h4>{_examples(media)}"
    for status, answer in operation["responses"].items():
        found = _resolve(document, answer)
        content = found.get("content", {})
        kinds = ", ".join(f"{_type(media['schema'])} as <code>{escape(kind)}</code>" for kind, media in content.items())
        yield f"<h4>{status} {_words(found['description'])}</h4><p>{kinds}</p>"
        if "$ref" not in answer:
            yield from (_examples(media) for media in content.values())
    yield "</details>"


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"<details id='type-{escape(name)}'><summary><code>{escape(name)}</code> "
    yield f"{_words(schema.get('description', ''))}</summary><table>"
    for field, kind in schema.get("properties", {}).items():
        needed = "required" if field in schema.get("required", ()) else ""
        yield f"<tr><td><code>{escape(field)}</code><td>{_type(kind)}<td>{needed}"
        yield f"<td>{_words(kind.get('description', ''))}</tr>"
    yield "</table></details>"


def _type(schema: dict[str, Any] | bool) -> str:
    """A schema in a few words; one may be just true or false."""
    if isinstance(schema, bool):
        return "any JSON" if schema else "nothing"
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#type-{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    return escape(str(schema.get("type", "any JSON")))


def _examples(media: dict[str, Any]) -> str:
    texts = [json.dumps(example["value"], indent=2) for example in media.get("examples", {}).values()]
    return "".join(f"<pre>{escape(text)}</pre>" for text in texts)


def _words(text: str) -> str:
    """Escaped text, with what stands between backticks as code."""
    pieces = escape(text).split("`")
    return "".join(piece if index % 2 == 0 else f"<code>{piece}</code>" for index, piece in enumerate(pieces))


def _resolve(document: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in item:
        return item
    found: Any = document
    for step in item["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    resolved: dict[str, Any] = found
    return resolved

"""The API's document: valid, complete, and nothing in it that the route table hasn't."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from sessiond.actors.core.errors import CommandRefused, NotFound, StoreFull, StoreUnavailable
from sessiond.gateway.call import Route
from sessiond.gateway.docs_page import render
from sessiond.gateway.openapi import openapi, statuses
from sessiond.gateway.problems import problem_of
from sessiond.gateway.routes import ROUTES
from sessiond.gateway.samples import SAMPLES
from sessiond.gateway.schemas import prose

DOCUMENT = msgspec.json.decode(msgspec.json.encode(openapi(ROUTES)))


def resolved(item: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in item:
        found: Any = DOCUMENT
        for step in item["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        item = found
    return item


def of(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return operation


def test_it_is_openapi_by_the_official_schema() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_routes_and_document_have_the_same_calls() -> None:
    documented = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert documented == {(route.method, route.path) for route in ROUTES}
    names = [of(route)["operationId"] for route in ROUTES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_call_is_documented_as_it_is_decoded(route: Route) -> None:
    operation = of(route)
    parameters = [resolved(parameter) for parameter in operation["parameters"]]
    by_place = {place: {p["name"] for p in parameters if p["in"] == place} for place in ("path", "query", "header")}
    assert by_place["path"] == set(re.findall(r"\{(\w+)\}", route.path))
    assert by_place["query"] == {field.encode_name for field in msgspec.structs.fields(route.query)}
    assert ("Idempotency-Key" in by_place["header"]) == (route.method == "POST" and route.remembered)
    assert ("security" in operation) == (route.needs is not None)
    assert operation["summary"] == prose(route.operation)[0] != ""
    assert ("requestBody" in operation) == (route.body is not None)
    good = operation["responses"][str(route.status)]
    assert set(good.get("content", {})) == (set(route.media) if route.answer is not None else set())
    assert {status.value for status in statuses(route)} <= set(map(int, operation["responses"]))


def test_every_request_has_an_example_and_every_example_fits_its_schema() -> None:
    checked = 0
    for route in ROUTES:
        operation = of(route)
        contents = [operation.get("requestBody", {}), *map(resolved, operation["responses"].values())]
        for media in [media for content in contents for media in content.get("content", {}).values()]:
            schema = {**resolved(media["schema"]), "components": DOCUMENT["components"]}
            for example in media.get("examples", {}).values():
                Draft202012Validator(schema).validate(example["value"])
                checked += 1
        assert route.body is None or route.body in SAMPLES
    assert checked > 50


def test_what_a_field_means_stands_with_the_field() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Execute"]["properties"]["deadline_s"]["description"].startswith("seconds from the start")
    assert "Attributes" not in msgspec.json.encode(schemas).decode()


def test_a_command_may_be_refused_and_a_look_may_not() -> None:
    control = next(route for route in ROUTES if route.path.endswith("/control"))
    for error in (
        CommandRefused("pause", "pending", ()),
        NotFound("session", "x"),
        StoreUnavailable("x"),
        StoreFull("x"),
    ):
        assert HTTPStatus(problem_of(error).status) in statuses(control)
    rows = next(route for route in ROUTES if route.path == "/api/v1/sessions" and route.method == "GET")
    assert HTTPStatus.CONFLICT not in statuses(rows)


def test_the_page_names_every_call_and_type_and_needs_nothing_from_elsewhere() -> None:
    page = render(DOCUMENT)
    for route in ROUTES:
        assert f"id='{of(route)['operationId']}'" in page
    for name in DOCUMENT["components"]["schemas"]:
        assert f"id='type-{name}'" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_the_page_shows_markup_in_a_text_as_text() -> None:
    page = render({**DOCUMENT, "info": {**DOCUMENT["info"], "summary": "<b>`a<b`"}})
    assert "&lt;b&gt;<code>a&lt;b</code>" in page

import { describe, expect, test } from "vitest";
import { below, initial, isBelow, kindOf, labelOf, missing, own, placed } from "./schema";

const ORDER = {
  type: "object",
  required: ["what", "many", "paid", "size"],
  properties: {
    what: { type: "string", minLength: 1 },
    many: { type: "integer", default: 3 },
    price: { type: ["number", "null"] },
    paid: { type: "boolean" },
    size: { enum: ["s", "m", 4, null] },
    tags: { type: "array", items: { type: "string" } },
    to: { $ref: "#/$defs/place" },
    odd: { anyOf: [{ type: "string" }, { type: "number" }] },
  },
  $defs: { place: { type: "object", required: ["zip"], properties: { zip: { type: "string", pattern: "\\d+" }, "a b": {} } } },
};

const is = (schema: Record<string, unknown>) => kindOf(schema).is;

describe("a field", () => {
  test("is of its schema's type", () => {
    const kind = kindOf(ORDER);
    const found = kind.is === "object" ? kind.fields.map(({ name, schema }) => [name, kindOf(schema, ORDER).is]) : [];
    expect(Object.fromEntries(found)).toEqual({
      what: "text", many: "number", price: "number", paid: "boolean", size: "choice", tags: "list", to: "object", odd: "json",
    });
  });

  test.each([
    [{}],
    [{ type: "object" }],
    [{ type: "array", items: { type: "array" } }],
    [{ type: "array" }],
    [{ type: ["string", "number"] }],
    [{ type: "string", allOf: [{ minLength: 1 }] }],
    [{ enum: [{ a: 1 }] }],
  ])("for %j is JSON", (schema) => expect(is(schema)).toBe("json"));

  test("with named constants is a choice with their titles", () => {
    expect(kindOf({ oneOf: [{ const: 1, title: "one" }, { const: 2 }] })).toEqual({
      is: "choice", choices: [{ value: 1, label: "one" }, { value: 2, label: "2" }],
    });
  });

  test("of text has lines unless it is short by nature", () => {
    expect(kindOf({ type: "string" })).toMatchObject({ lines: true });
    expect(kindOf({ type: "string", maxLength: 20 })).toMatchObject({ lines: false });
    expect(kindOf({ type: "string", format: "email" })).toMatchObject({ lines: false, input: "email" });
  });

  test("that refers to itself, or nowhere, comes to an end", () => {
    const tree = { type: "object", properties: { again: { $ref: "#" } } };
    expect(initial(tree)).toEqual({});
    expect(kindOf({ type: "array", items: { $ref: "#/$defs/none" } }).is).toBe("json");
    const loop = { $defs: { a: { $ref: "#/$defs/a" } }, type: "array", items: { $ref: "#/$defs/a" } };
    expect(kindOf(loop).is).toBe("json");
  });

  test("is called by its title, or its name", () => {
    expect(labelOf("due_on", {})).toBe("due on");
    expect(labelOf("due_on", { title: "When" })).toBe("When");
  });
});

test("a form begins with defaults, and false for a yes or no that is required", () => {
  expect(initial(ORDER)).toEqual({ many: 3, paid: false });
  expect(initial({ type: "array", items: { type: "string" }, minItems: 2 })).toEqual([null, null]);
});

test("what is required and isn't there is missing, inside of what is there too", () => {
  const found = missing(ORDER, { many: 1, paid: true, to: {} }, "$.data").map(({ path }) => path);
  expect(found).toEqual(["$.data.what", "$.data.size", "$.data.to.zip"]);
});

describe("a fault", () => {
  test("has a path as the server writes it", () => {
    expect(below("$.a", "b_1")).toBe("$.a.b_1");
    expect(below("$", 2)).toBe("$[2]");
    expect(below("$", "a b")).toBe("$['a b']");
  });

  test.each([["$.ab", "$.a", false], ["$.a", "$.a", true], ["$.a.b", "$.a", true], ["$.a[0]", "$.a", true]])(
    "at %s is below %s: %s",
    (path, at, expected) => expect(isBelow(path, at)).toBe(expected),
  );

  test("of a missing member stands at the member", () => {
    expect(placed([{ path: "$.data", message: "'zip' is a required property" }])[0]?.path).toBe("$.data.zip");
  });

  test("is shown once: by the innermost field that there is", () => {
    const faults = ["$.d", "$.d.a", "$.d.a.x", "$.d.b[0]"].map((path) => ({ path, message: "" }));
    expect(own(faults, "$.d", ["$.d.a"]).map(({ path }) => path)).toEqual(["$.d", "$.d.b[0]"]);
    expect(own(faults, "$.d.a", []).map(({ path }) => path)).toEqual(["$.d.a", "$.d.a.x"]);
  });
});

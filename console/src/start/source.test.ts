import { describe, expect, test } from "vitest";
import { read } from "./source";

const messages = (text: string): string[] => read(text).marks.map((mark) => mark.message);

describe("YAML and JSON", () => {
  test("are read to the same data", () => {
    expect(read("a: [1, x, null]\nb: {c: true}\n").value).toEqual({ a: [1, "x", null], b: { c: true } });
    expect(read('{"a": [1, "x", null],\n\t"b": {"c": true}}').value).toEqual({ a: [1, "x", null], b: { c: true } });
    expect(read("on: no\nwhen: 2026-01-01\nat: 1:30\n").value).toEqual({ on: "no", when: "2026-01-01", at: "1:30" });
    expect(read("a: 0x1F\nb: 0o17\nc: 1e3\nd: .5\ne: ~\nf: !!str 1\n").value).toEqual({ a: 31, b: 15, c: 1000, d: 0.5, e: null, f: "1" });
    expect(read("a: &x {k: 1}\nb: *x\n").value).toEqual({ a: { k: 1 }, b: { k: 1 } });
  });

  test.each([
    ["", "it is empty"],
    ["# nothing\n", "it is empty"],
    ["a: 1\n---\nb: 2\n", "a second document"],
    ["a: 1\na: 2\n", "Map keys must be unique"],
    ["1: a\n", "a key should be text, 1 isn't"],
    ["true: a\n", "a key should be text, true isn't"],
    ["[a]: b\n", "a key should be text"],
    ["b: &b {x: 1}\na:\n  <<: *b\n", "merge keys"],
    ["a: !!binary aGk=\n", "the tag"],
    ["a: !own 1\n", "the tag"],
    ["a: .inf\n", "not a number that JSON knows"],
    ["a: .nan\n", "not a number that JSON knows"],
    ["a: 1e999\n", "too large"],
    ["a: 1234567890123456789\n", "too long"],
    ["a: 12345678901234567\n", "more digits"],
    ["a: [1\n", ""],
    [`${"[".repeat(70)}${"]".repeat(70)}`, "nested deeper"],
    ["a: *b\n", "lias"],
  ])("%j is refused", (text, why) => {
    const source = read(text);
    expect(source.value).toBeUndefined();
    expect(messages(text).join("\n")).toContain(why);
  });

  test("of a text that names itself again and again, no gigabytes are made", () => {
    const rows = Array.from({ length: 12 }, (_, at) => `a${at}: &a${at} [${Array(10).fill(at === 0 ? "x" : `*a${at - 1}`).join(", ")}]`);
    expect(read(rows.join("\n")).value).toBeUndefined();
  });
});

describe("a fault", () => {
  const text = "nodes:\n  a.b:\n    next_ids: [gone, end]\n    properties:\n      prompt: hello\n  'x y':\n    type: odd\n";
  const source = read(text);
  const at = (path: string): string => {
    const { from, to } = source.locate({ path, message: "-" });
    return text.slice(from, to);
  };

  test.each([
    ["$.nodes.a.b.next_ids[0]", "gone"],
    ["$.nodes.a.b.properties.prompt", "hello"],
    ["$.nodes.a.b.properties", "properties"],
    ["$.nodes.a.b.properties.missing.deeper", "properties"],
    ["$.nodes.x y.type", "odd"],
    ["$.nodes['x y'].type", "odd"],
    ["$.nodes.gone", "nodes"],
    ["$", "nodes:"],
  ])("%s is marked at %s", (path, marked) => expect(at(path)).toBe(marked));

  test("tells its line, and so does one of syntax", () => {
    expect(source.locate({ path: "$.nodes.x y.type", message: "-" }).line).toBe(7);
    const [mark] = read("a: 1\nb: [1, 2\nc: 3\n").marks;
    expect(mark?.line).toBeGreaterThanOrEqual(2);
  });

  test("stays within the text", () => {
    const { from, to } = read("").locate({ path: "$.a", message: "-" });
    expect([from, to]).toEqual([0, 0]);
  });
});

import { describe, expect, test } from "vitest";
import { answered, keyOf } from "./attempt";
import { keep, kept } from "./draft";
import { labelsOf } from "./labels";

function storage(): Storage {
  const held = new Map<string, string>();
  return {
    getItem: (name: string) => held.get(name) ?? null,
    setItem: (name: string, value: string) => void held.set(name, value),
    removeItem: (name: string) => void held.delete(name),
  } as Storage;
}

test.each([
  ["", {}],
  ["team:core, ticket: OPS-1 ,urgent", { team: "core", ticket: "OPS-1", urgent: "" }],
  ["url:http://h:1", { url: "http://h:1" }],
  [":x", undefined],
  ["a:1,a:2", undefined],
])("labels %j", (text, labels) => expect(labelsOf(text)).toEqual(labels));

describe("a start", () => {
  test("has one key until it is answered", () => {
    const held = storage();
    const key = keyOf({ workflow_id: "w" }, held);
    expect(keyOf({ workflow_id: "w" }, held)).toBe(key);
    answered(held);
    expect(keyOf({ workflow_id: "w" }, held)).not.toBe(key);
  });

  test("of something else has another", () => {
    const held = storage();
    expect(keyOf({ workflow_id: "w" }, held)).not.toBe(keyOf({ workflow_id: "v" }, held));
    expect(keyOf(1, held)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("a draft", () => {
  test("keeps what it isn't told to change", () => {
    const held = storage();
    keep({ text: "a: 1" }, held);
    keep({ labels: "x" }, held);
    expect(kept(held)).toEqual({ text: "a: 1", labels: "x" });
  });

  test("that can't be read is none", () => {
    const held = storage();
    held.setItem("sessiond.start", "{");
    expect(kept(held)).toEqual({});
    held.setItem("sessiond.start", "null");
    expect(kept(held)).toEqual({});
  });
});

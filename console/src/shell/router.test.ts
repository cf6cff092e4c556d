import { describe, expect, test, vi } from "vitest";

vi.stubGlobal("location", { hash: "" });
vi.stubGlobal("addEventListener", () => undefined);
const { links, parse } = await import("./router.svelte");

describe("a link", () => {
  test.each(["a", "root~node~0", "a/b c?d#e%", "会话"])("to the session %s leads there", (id) => {
    expect(parse(links.session(id))).toMatchObject({ view: "session", id });
  });

  test.each([["", "start"], ["#/", "start"], ["#/sessions", "list"], ["#/health", "health"], ["#/x", "unknown"], ["#/sessions/a/b", "unknown"]])(
    "%s leads to %s",
    (hash, view) => expect(parse(hash).view).toBe(view),
  );

  test("carries a query", () => {
    expect(parse("#/sessions?status=failed").query.get("status")).toBe("failed");
  });

  test("that is damaged is taken as it is", () => {
    expect(parse("#/sessions/%E0%A4%A")).toMatchObject({ view: "session", id: "%E0%A4%A" });
  });
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { generated } from "./generate.mjs";

test("the types are those that the server tells of: `npm run types`", async () => {
  expect(readFileSync(new URL("schema.ts", import.meta.url), "utf8")).toBe(await generated());
});

import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { python } from "../../client/generate.mjs";
import { NEEDS, reaches, type Role } from "./roles";

const SAY = `
import json
from sessiond.gateway.routes import ROUTES
print(json.dumps({f"{r.method} {r.path.removeprefix('/api/v1')}": r.needs for r in ROUTES}))
`;
/** What takes more than a viewer, and is nothing that the page offers. */
const ELSEWHERE = ["POST /sessions", "DELETE /workflows/{workflow_id}", "GET /metrics"];

test("each takes the role that it takes in the server's table of routes, and none is left out", () => {
  const routes = JSON.parse(execFileSync(python(), ["-c", SAY], { encoding: "utf8" })) as Record<string, Role | null>;
  const beyond = Object.entries(routes).filter(([call, role]) => role !== null && role !== "viewer" && !ELSEWHERE.includes(call));
  const ours = Object.values(NEEDS).flatMap(({ role, calls }) => calls.map((call): [string, Role] => [call, role]));
  expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(beyond));
});

test.each<[Role[], Role, boolean]>([
  [["viewer"], "operator", false],
  [["operator"], "operator", true],
  [["admin"], "author", true],
  [["author"], "admin", false],
  [["viewer", "author"], "operator", true],
  [[], "viewer", false],
])("%j may do what %s may: %s", (roles, role, expected) => {
  expect(reaches(roles, role)).toBe(expected);
});

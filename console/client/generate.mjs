// Writes client/schema.ts from what the server says of itself: `npm run types`. `generated()` is what it should hold.
import { execFileSync } from "node:child_process";
import { existsSync, realpathSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const HEAD = "// Generated from /openapi.json and /asyncapi.json by `npm run types`. Don't edit.\n\n";
const SAY = `
import json, sys
from sessiond.gateway.asyncapi import asyncapi
from sessiond.gateway.openapi import openapi
from sessiond.gateway.routes import ROUTES
document = openapi(ROUTES)
document["components"]["schemas"] = {**asyncapi()["components"]["schemas"], **document["components"]["schemas"]}
json.dump(document, sys.stdout)
`;

/** The Python that has sessiond installed: named by PYTHON, the checkout's own, or whichever comes first. */
export function python() {
  const own = here("../../.venv/bin/python");
  return process.env.PYTHON ?? (existsSync(own) ? own : "python3");
}

export async function generated() {
  const said = execFileSync(python(), ["-c", SAY], { encoding: "utf8", maxBuffer: 1 << 26 });
  const nodes = await openapiTS(JSON.parse(said), { alphabetize: true, defaultNonNullable: false });
  return HEAD + astToString(nodes);
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(here("schema.ts"), await generated());
}

/** JSON Schema as a form sees it: what a field is, what it begins with, and where a fault belongs. Pure. */
import type { Fault } from "../../client";

export type Schema = Readonly<Record<string, unknown>>;

export interface Choice {
  readonly value: unknown;
  readonly label: string;
}

/** What a field is; `json` is whatever has no field of its own. */
export type Kind =
  | { readonly is: "object"; readonly fields: readonly Field[] }
  | { readonly is: "list"; readonly item: Schema; readonly least: number; readonly most: number }
  | { readonly is: "choice"; readonly choices: readonly Choice[] }
  | { readonly is: "text"; readonly input: "text" | "date" | "email" | "url"; readonly lines: boolean }
  | { readonly is: "number"; readonly whole: boolean }
  | { readonly is: "boolean" }
  | { readonly is: "json" };

export interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
}

/** Schemas inside of each other that are taken apart; what is deeper is a JSON field. */
const DEEPEST = 6;
const SHORT = 80;
const COMPOSED = ["allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "prefixItems", "dependentSchemas"];
const INPUTS = { date: "date", email: "email", uri: "url" } as const;

/** Return the schema that `schema` refers to in `root`, or itself; of a reference that leads nowhere, nothing. */
export function resolve(root: unknown, schema: unknown): Schema | undefined {
  let found: unknown = schema;
  for (let steps = 0; steps < DEEPEST && isRecord(found); steps += 1) {
    const { $ref: ref, ...beside } = found;
    if (ref === undefined) return found;
    if (typeof ref !== "string" || !ref.startsWith("#")) return undefined;
    let target: unknown = root;
    for (const part of ref.slice(1).split("/").slice(1)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
      target = isRecord(target) ? target[name] : undefined;
    }
    found = isRecord(target) ? { ...target, ...beside } : undefined;
  }
  return undefined;
}

/** Return what the field of a schema is. */
export function kindOf(schema: Schema, root: unknown = schema, depth = 0): Kind {
  const choices = choicesOf(schema);
  if (choices !== undefined) return { is: "choice", choices };
  if (depth > DEEPEST || COMPOSED.some((word) => word in schema)) return { is: "json" };
  switch (typeOf(schema)) {
    case "object":
      return objectOf(schema, root);
    case "array": {
      const item = resolve(root, schema.items);
      if (item === undefined || !isSimple(kindOf(item, root, depth + 1))) return { is: "json" };
      return { is: "list", item, least: numberOf(schema.minItems, 0), most: numberOf(schema.maxItems, Infinity) };
    }
    case "string": {
      const input = INPUTS[schema.format as keyof typeof INPUTS] ?? "text";
      const short = numberOf(schema.maxLength, Infinity) <= SHORT || "pattern" in schema || "format" in schema;
      return { is: "text", input, lines: !short };
    }
    case "number":
      return { is: "number", whole: false };
    case "integer":
      return { is: "number", whole: true };
    case "boolean":
      return { is: "boolean" };
    default:
      return { is: "json" };
  }
}

/** Return the value that a form begins with: defaults, constants, and objects around them; otherwise nothing. */
export function initial(schema: Schema, root: unknown = schema, depth = 0): unknown {
  if ("default" in schema) return structuredClone(schema.default);
  if ("const" in schema) return schema.const;
  const kind = kindOf(schema, root, depth);
  if (kind.is === "list" && kind.least > 0) {
    return Array.from({ length: kind.least }, () => initial(kind.item, root, depth + 1) ?? null);
  }
  if (kind.is !== "object") return undefined;
  const found: Record<string, unknown> = {};
  for (const { name, schema: inner, required } of kind.fields) {
    const value = inner.type === "boolean" && required ? (inner.default ?? false) : initial(inner, root, depth + 1);
    if (value !== undefined && (required || !isEmpty(value))) found[name] = value;
  }
  return found;
}

/** Return the faults that need no server to be seen: what is required and isn't there. */
export function missing(schema: Schema, value: unknown, path: string, root: unknown = schema): readonly Fault[] {
  const kind = kindOf(schema, root);
  if (kind.is !== "object" || !isRecord(value)) return [];
  return kind.fields.flatMap(({ name, schema: inner, required }) => {
    const at = below(path, name);
    if (value[name] === undefined) return required ? [{ path: at, message: "" }] : [];
    return missing(inner, value[name], at, root);
  });
}

/** Return the path of a member: `$.a` and `b` give `$.a.b`, and `$` and `1` give `$[1]`. */
export function below(path: string, name: string | number): string {
  if (typeof name === "number") return `${path}[${name}]`;
  return /^[A-Za-z_]\w*$/.test(name) ? `${path}.${name}` : `${path}['${name.replaceAll("'", "\\'")}']`;
}

/** Return whether `path` is `at`, or inside of it. */
export function isBelow(path: string, at: string): boolean {
  return path === at || (path.startsWith(at) && (path[at.length] === "." || path[at.length] === "["));
}

/** Return a server's faults with those of a member that is required put at its place. */
export function placed(faults: readonly Fault[]): readonly Fault[] {
  return faults.map((fault) => {
    const name = /^'(.+)' is a required property$/.exec(fault.message)?.[1];
    return name === undefined ? fault : { path: below(fault.path, name), message: fault.message };
  });
}

/** Return the faults of a field itself: those in it that none of its members shows. */
export function own(faults: readonly Fault[], at: string, members: readonly string[]): readonly Fault[] {
  return faults.filter(({ path }) => isBelow(path, at) && !members.some((member) => isBelow(path, member)));
}

/** Return the words for a field. */
export function labelOf(name: string, schema: Schema): string {
  if (typeof schema.title === "string" && schema.title !== "") return schema.title;
  return name.replaceAll("_", " ");
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectOf(schema: Schema, root: unknown): Kind {
  if (!isRecord(schema.properties) || Object.keys(schema.properties).length === 0) return { is: "json" };
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const fields = Object.entries(schema.properties).map(([name, inner]) => ({
    name,
    schema: resolve(root, inner) ?? {},
    required: required.has(name),
  }));
  // Stored schemas have lost the order in which they were written: what has to be filled in stands first.
  return { is: "object", fields: [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)] };
}

function choicesOf(schema: Schema): readonly Choice[] | undefined {
  if ("const" in schema) return [{ value: schema.const, label: String(schema.const) }];
  if (Array.isArray(schema.enum) && schema.enum.every(isScalar)) {
    return schema.enum.map((value: unknown) => ({ value, label: String(value) }));
  }
  const cases = schema.oneOf;
  if (!Array.isArray(cases) || !cases.every((each) => isRecord(each) && isScalar(each.const))) return undefined;
  return cases.map((each: Schema) => ({ value: each.const, label: labelOf(String(each.const), each) }));
}

function typeOf(schema: Schema): unknown {
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((type) => type !== "null");
    return types.length === 1 ? types[0] : undefined;
  }
  return schema.type ?? (isRecord(schema.properties) ? "object" : undefined);
}

function isSimple(kind: Kind): boolean {
  return kind.is === "text" || kind.is === "number" || kind.is === "boolean" || kind.is === "choice";
}

function isScalar(value: unknown): boolean {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function isEmpty(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

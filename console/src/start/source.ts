/**
 * A workflow as people write it: YAML or JSON, read to data with the place of every value. Pure.
 *
 * It means what `sessiond run` makes of the same file (YAML 1.2, core schema, keys are text, no tags, no merge keys), so
 * what the two would read differently is refused in both. What only this one says in its own words: errors of syntax.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, visit, type Document, type Node, type ParsedNode } from "yaml";
import type { Fault } from "../../client";

/** A fault at its place: from one offset in the text up to another, on a line that counts from 1. */
export interface Mark {
  readonly from: number;
  readonly to: number;
  readonly line: number;
  /** Where in the data; nothing if the text isn't even data. */
  readonly path?: string;
  readonly message: string;
}

export interface Source {
  /** Nothing if there are faults. */
  readonly value?: unknown;
  readonly marks: readonly Mark[];
  /** Return the place of a fault that somebody found in the data; of the nearest value around it, if it names none. */
  readonly locate: (fault: Fault) => Mark;
}

const MAX_DEPTH = 64;
const MAX_VALUES = 100_000;
const MAX_DIGITS = 18;
const KNOWN = /^tag:yaml\.org,2002:(map|seq|str|int|float|bool|null)$/;

type Place = (from: number, to: number, message: string, path?: string) => Mark;
type Parsed = Document.Parsed<ParsedNode>;

export function read(text: string): Source {
  const lines = new LineCounter();
  const [document, second] = parseAllDocuments(text, { lineCounter: lines, version: "1.2", schema: "core", prettyErrors: false }) as Parsed[];
  const place: Place = (from, to, message, path) => {
    const begin = Math.min(from, text.length);
    const end = Math.min(Math.max(to, begin + 1), text.length);
    return { from: Math.min(begin, end), to: end, line: Math.max(1, lines.linePos(begin).line), message, ...(path !== undefined && { path }) };
  };
  const locate = (fault: Fault): Mark => {
    const [from, to] = rangeOf(document?.contents ?? null, fault.path, text);
    return place(from, to, fault.message, fault.path);
  };
  const refuse = (...marks: Mark[]): Source => ({ marks, locate });
  if (document === undefined || (document.contents === null && document.errors.length === 0)) return refuse(place(0, text.length, "it is empty"));
  if (document.errors.length > 0) {
    return refuse(...document.errors.map((error) => place(error.pos[0], error.pos[1], sentence(error.message))));
  }
  if (second !== undefined) {
    return refuse(place(second.range[0], second.range[0] + 1, "a second document begins here; there should be one"));
  }
  const marks = refused(document, place);
  if (marks.length > 0) return refuse(...marks);
  try {
    return { value: document.toJS({ maxAliasCount: 1_000 }) as unknown, marks, locate };
  } catch (error) {
    return refuse(place(0, 1, error instanceof Error ? error.message : String(error))); // aliases of aliases of aliases
  }
}

/** Return what isn't data that JSON could hold, or isn't understood by everybody. */
function refused(document: Parsed, place: Place): Mark[] {
  const marks: Mark[] = [];
  let values = 0;
  visit(document, {
    Node: (key, node, path) => {
      const [from, to] = node.range ?? [0, 1];
      const say = (message: string): void => void marks.push(place(from, to, message));
      values += 1;
      if (values > MAX_VALUES) {
        say(`more than ${MAX_VALUES} values`);
        return visit.BREAK;
      }
      if (path.filter((each) => isMap(each) || isSeq(each)).length > MAX_DEPTH) {
        say(`nested deeper than ${MAX_DEPTH} levels`);
        return visit.BREAK;
      }
      if (!isAlias(node) && node.tag !== undefined && !KNOWN.test(node.tag)) say(`the tag ${node.tag} isn't supported`);
      if (key === "key") return checkKey(node, say);
      if (isScalar(node)) checkNumber(node.value, String(node.source ?? ""), say);
      return undefined;
    },
  });
  return marks;
}

function checkKey(node: Node, say: (message: string) => void): symbol | undefined {
  if (!isScalar(node)) say("a key should be text");
  else if (node.value === "<<" && node.type === "PLAIN") say("merge keys (<<) aren't supported");
  else if (typeof node.value !== "string") say(`a key should be text, ${String(node.value)} isn't: put it in quotes`);
  return visit.SKIP;
}

function checkNumber(value: unknown, source: string, say: (message: string) => void): void {
  if (typeof value !== "number") return;
  if (Number.isNaN(value) || /inf/i.test(source)) say(`${source} is not a number that JSON knows`);
  else if (!Number.isFinite(value)) say(`the number ${source.slice(0, 20)} is too large`);
  else if (/^[-+]?[0-9]+$/.test(source) && source.length > MAX_DIGITS) say(`the number ${source.slice(0, 20)}… is too long; put it in quotes`);
  else if (Number.isInteger(value) && /^[-+]?[0-9]+$/.test(source) && !Number.isSafeInteger(value)) {
    say(`the number ${source} has more digits than a browser can keep; put it in quotes`);
  }
}

/** Return the range of what a path names: `$.nodes.a.next_ids[0]`. A name may hold dots: the longest that fits is taken. */
function rangeOf(root: Node | null, path: string, text: string): readonly [number, number] {
  let range: readonly [number, number] = [0, Math.max(1, text.search(/\n|$/))];
  let node: unknown = root;
  let rest = path.replace(/^\$/, "");
  while (rest !== "" && node != null) {
    const found = step(node, rest);
    if (found === undefined) break;
    [node, range, rest] = found;
  }
  return range;
}

function step(node: unknown, rest: string): [unknown, readonly [number, number], string] | undefined {
  if (isSeq(node)) {
    const match = /^\[(\d+)\]/.exec(rest);
    const item = match && node.items[Number(match[1])];
    return match && item ? [item, shown(item as Node), rest.slice(match[0].length)] : undefined;
  }
  if (!isMap(node)) return undefined;
  let best: [unknown, readonly [number, number], string] | undefined;
  for (const pair of node.items) {
    if (!isPair(pair) || !isScalar(pair.key)) continue;
    const name = String(pair.key.value);
    for (const written of [`.${name}`, `['${name.replaceAll("'", "\\'")}']`, `["${name}"]`]) {
      const after = rest.slice(written.length);
      if (!rest.startsWith(written) || !/^($|\.|\[)/.test(after) || (best !== undefined && best[2].length <= after.length)) continue;
      best = [pair.value, after === "" && isScalar(pair.value) && pair.value.range ? shown(pair.value as Node) : shown(pair.key as Node), after];
    }
  }
  return best;
}

function shown(node: Node): readonly [number, number] {
  const [from, to] = node.range ?? [0, 1];
  return [from, Math.max(to, from + 1)];
}

function sentence(message: string): string {
  return message.replace(/ at line \d+.*$/s, "");
}

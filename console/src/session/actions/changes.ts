/** Which parts of a value differ, so that each can be compared by itself. Pure. */
import { isRecord } from "../../lib/schema";

/** A part that is in both, or in one of the two only: then the other is `undefined`. */
export interface Part {
  /** Of a member, its name; of a value that has no members, nothing. */
  readonly name: string | undefined;
  readonly before: unknown;
  readonly after: unknown;
}

/** Return what differs between two values: of two objects, the members that do. */
export function changedParts(before: unknown, after: unknown): readonly Part[] {
  if (!isRecord(before) || !isRecord(after)) return same(before, after) ? [] : [{ name: undefined, before, after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => !same(before[name], after[name]))
    .map((name) => ({ name, before: before[name], after: after[name] }));
}

/** Return whether two JSON values are equal; the order of an object's members says nothing. */
export function same(one: unknown, other: unknown): boolean {
  if (isRecord(one) && isRecord(other)) {
    const names = Object.keys(one);
    return names.length === Object.keys(other).length && names.every((name) => name in other && same(one[name], other[name]));
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, at) => same(item, other[at]));
  }
  return one === other;
}

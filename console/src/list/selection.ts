/** Which rows are chosen: by one, or from one to another. Pure; each change gives a new selection. */

export class Selection {
  constructor(
    readonly ids: ReadonlySet<string> = new Set(),
    /** Where a range begins. */
    readonly anchor?: string,
  ) {}

  toggle(id: string): Selection {
    const ids = new Set(this.ids);
    if (!ids.delete(id)) ids.add(id);
    return new Selection(ids, id);
  }

  /** Choose all between the anchor and `id`, both included; without an anchor, `id` alone is turned. */
  extend(id: string, order: readonly { readonly session_id: string }[], place: (id: string) => number): Selection {
    const from = this.anchor === undefined ? -1 : place(this.anchor);
    const to = place(id);
    if (from < 0 || to < 0) return this.toggle(id);
    const ids = new Set(this.ids);
    for (let at = Math.min(from, to); at <= Math.max(from, to); at += 1) ids.add(order[at]!.session_id);
    return new Selection(ids, this.anchor);
  }

  /** Choose all of `given`, or none of them if all are chosen. */
  turn(given: readonly string[]): Selection {
    const ids = new Set(this.ids);
    const all = given.every((id) => ids.has(id));
    for (const id of given) {
      if (all) ids.delete(id);
      else ids.add(id);
    }
    return new Selection(ids, this.anchor);
  }
}

/** What somebody has begun to fill in: it survives a reload, in this tab. */

export interface Draft {
  /** A workflow of one's own, as text. */
  readonly text?: string;
  /** Of each workflow, by its id, and of one's own under the empty one. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly labels?: string;
  readonly deadline?: string;
}

const STORED = "sessiond.start";

export function kept(storage: Storage = sessionStorage): Draft {
  try {
    const found: unknown = JSON.parse(storage.getItem(STORED) ?? "{}");
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {}; // storage is switched off, or holds something else
  }
}

export function keep(changes: Draft, storage: Storage = sessionStorage): void {
  try {
    storage.setItem(STORED, JSON.stringify({ ...kept(storage), ...changes }));
  } catch {
    // it lasts as long as the page, then
  }
}

export function keepInput(of: string, input: unknown): void {
  keep({ inputs: { ...kept().inputs, [of]: input } });
}

/** One command to many sessions, a few at a time. */

export interface Outcome {
  readonly id: string;
  /** Why it was refused; nothing if it was carried out. */
  readonly error?: unknown;
}

const AT_ONCE = 6;

/**
 * Run `command` for each id, at most `atOnce` at the same time, and return what came of each, in their order.
 *
 * A refusal keeps none of the others back. After `signal` no further one begins; those are left out.
 */
export async function forEach(
  ids: readonly string[],
  command: (id: string) => Promise<unknown>,
  { atOnce = AT_ONCE, done, signal }: { atOnce?: number; done?: (outcome: Outcome) => void; signal?: AbortSignal } = {},
): Promise<readonly Outcome[]> {
  const outcomes: (Outcome | undefined)[] = [];
  let next = 0;
  async function work(): Promise<void> {
    while (next < ids.length && !signal?.aborted) {
      const at = next++;
      const id = ids[at]!;
      const outcome = await command(id).then(
        (): Outcome => ({ id }),
        (error: unknown): Outcome => ({ id, error }),
      );
      outcomes[at] = outcome;
      done?.(outcome);
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, ids.length) }, work));
  return outcomes.filter((outcome) => outcome !== undefined);
}

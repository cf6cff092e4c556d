/** A command on its way: at most one at a time, named by a key that lasts for as long as nothing has changed in it. */
import { newKey, Problem, Unreachable } from "../../../client";

/** What a person is told to wait when the server can't be reached at all, in milliseconds. */
const PATIENCE_MS = 1_000;

export class Command {
  busy = $state(false);
  error = $state.raw<unknown>();
  /** When it makes sense to try again, in milliseconds since the epoch; nothing if that isn't the trouble. */
  retryAt = $state<number>();

  private key = newKey();
  private sent: string | undefined;

  /** Whether the server said that nobody waits for this any more. */
  get late(): boolean {
    return this.error instanceof Problem && this.error.code === "not_waiting";
  }

  /**
   * Carry it out; returns whether that was done.
   *
   * The same body goes out under the same key, so what got no answer is never done twice.
   */
  async run<Body>(body: Body, send: (body: Body, key: string) => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    const text = JSON.stringify(body);
    if (this.sent !== undefined && this.sent !== text) this.key = newKey();
    this.sent = text;
    this.busy = true;
    this.forget();
    try {
      await send(body, this.key);
      this.key = newKey();
      this.sent = undefined;
      return true;
    } catch (error) {
      this.error = error;
      this.retryAt = retryAt(error, Date.now());
      return false;
    } finally {
      this.busy = false;
    }
  }

  forget(): void {
    this.error = undefined;
    this.retryAt = undefined;
  }
}

/** Return when to try again after `error`: only what was refused for the moment is worth it. */
export function retryAt(error: unknown, now: number): number | undefined {
  if (error instanceof Unreachable) return now + PATIENCE_MS;
  if (!(error instanceof Problem) || (error.status !== 429 && error.status !== 503)) return undefined;
  return now + 1_000 * (error.retryAfter ?? 1);
}

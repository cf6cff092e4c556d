import type { components } from "./schema";

export type ProblemBody = components["schemas"]["Problem"];
export type Fault = components["schemas"]["Fault"];

/** An answer that says why not: RFC 9457, with the server's stable `code`. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  /** What else the session would have accepted, of a refused command. */
  readonly allowed: readonly string[];
  readonly sessionStatus: string | undefined;
  readonly faults: readonly Fault[];
  /** Seconds after which to try again, if the server said so. */
  readonly retryAfter: number | undefined;

  constructor(body: ProblemBody, retryAfter?: number) {
    super(body.detail);
    this.status = body.status;
    this.code = body.code;
    this.title = body.title;
    this.allowed = body.allowed ?? [];
    this.sessionStatus = body.session_status;
    this.faults = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** The server couldn't be reached, or what came back isn't from it. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Return the problem that an answer tells of; one made up from its status if it tells of none. */
export async function problemOf(answer: Response): Promise<Problem | Unreachable> {
  const wait = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  const retryAfter = Number.isFinite(wait) ? wait : undefined;
  if (answer.headers.get("Content-Type")?.startsWith("application/problem+json")) {
    return new Problem((await answer.json()) as ProblemBody, retryAfter);
  }
  return new Unreachable(`something between here and the server answered ${answer.status}`);
}

/** How long to wait before the next try: doubling up to a bound, with jitter, so that many clients don't come at once. */
export class Backoff {
  private tries = 0;

  constructor(
    private readonly firstMs = 400,
    private readonly mostMs = 15_000,
    private readonly chance: () => number = Math.random,
  ) {}

  /** Return milliseconds: between half of what it would be and all of it. */
  next(atLeastMs = 0): number {
    const whole = Math.min(this.mostMs, this.firstMs * 2 ** this.tries);
    this.tries += 1;
    return Math.max(atLeastMs, whole * (0.5 + 0.5 * this.chance()));
  }

  reset(): void {
    this.tries = 0;
  }
}

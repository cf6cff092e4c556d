/** Numbers and times as people read them. Pure: what time it is now is passed in. */

/** Return a span of milliseconds in at most two units: `840 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 0) return "0 ms";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Return milliseconds since the epoch of an RFC 3339 time. */
export function instant(time: string): number {
  return Date.parse(time);
}

export function clock(time: string | number, language: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(new Date(time));
}

/** Made once: making one costs more than a row of a list, and lists have many. */
const formats = new Map<string, unknown>();

function once<T>(name: string, make: () => T): T {
  if (!formats.has(name)) formats.set(name, make());
  return formats.get(name) as T;
}

export function moment(time: string | number, language: string): string {
  return once(`moment ${language}`, () => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" })).format(new Date(time));
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** Return how long ago `time` is: `3 minutes ago`. */
export function ago(time: string | number, now: number, language: string): string {
  const seconds = Math.round((new Date(time).getTime() - now) / 1_000);
  const [unit, size] = STEPS.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  return once(`ago ${language}`, () => new Intl.RelativeTimeFormat(language, { numeric: "auto" })).format(Math.trunc(seconds / size), unit);
}

export function count(value: number, language: string): string {
  return new Intl.NumberFormat(language).format(value);
}

/** Return an amount of US dollars, with as many digits as small amounts need. */
export function dollars(value: number, language: string): string {
  const digits = value !== 0 && value < 0.1 ? 4 : 2;
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }).format(value);
}

/** Return JSON for people: indented, and text as it is. */
export function pretty(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** What a server says in Prometheus' text format (version 0.0.4), read. Pure. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by the name of their metric. */
export type Scrape = ReadonlyMap<string, readonly Sample[]>;

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const WORDS: Readonly<Record<string, number>> = { "+Inf": Infinity, "-Inf": -Infinity };

export function parse(text: string): Scrape {
  const found = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const [, name, inside = "", said] = LINE.exec(line) ?? [];
    if (name === undefined || said === undefined) continue;
    const labels: Record<string, string> = {};
    for (const [, label, value] of inside.matchAll(LABEL)) labels[label!] = unescape(value!);
    const samples = found.get(name) ?? [];
    samples.push({ labels, value: WORDS[said] ?? Number(said) });
    found.set(name, samples);
  }
  return found;
}

/** Return the sum of a metric's samples, of those that `pick` takes; nothing if the metric isn't there. */
export function sum(scrape: Scrape, name: string, pick: (labels: Sample["labels"]) => boolean = () => true): number | null {
  const samples = scrape.get(name);
  if (samples === undefined) return null;
  return samples.reduce((all, { labels, value }) => (pick(labels) ? all + value : all), 0);
}

/** Return by how much a counter rose; nothing if it began anew in between, or wasn't there. */
export function rise(before: number | null, after: number | null): number | null {
  return before === null || after === null || after < before ? null : after - before;
}

/**
 * Return the value below which a share `q` of the observations between two scrapes lies, interpolated within its
 * bucket, as `histogram_quantile` of Prometheus does; nothing if there were none.
 */
export function quantile(before: Scrape, after: Scrape, name: string, q: number): number | null {
  const counts = (after.get(`${name}_bucket`) ?? []).map(({ labels, value }) => {
    const same = before.get(`${name}_bucket`)?.find((old) => old.labels.le === labels.le);
    return { bound: WORDS[labels.le ?? ""] ?? Number(labels.le), count: rise(same?.value ?? null, value) };
  });
  if (counts.some(({ count }) => count === null)) return null;
  const all = counts.at(-1)?.count ?? 0;
  if (all === 0) return null;
  const rank = q * all;
  let below = 0;
  let least = 0;
  for (const { bound, count } of counts) {
    if (count! >= rank) {
      if (bound === Infinity) return least;
      return least + (bound - least) * (count === below ? 1 : (rank - below) / (count! - below));
    }
    below = count!;
    least = bound;
  }
  return least;
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign));
}

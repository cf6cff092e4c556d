/** Figures of the health view, as people read them. Pure. */

export type Unit = "seconds" | "rate" | "count" | "average";

/** Return a figure with its unit: `0.4 ms`, `2.1 s`, `12.5/s`, `1,234`. */
export function written(value: number | null, unit: Unit, language: string): string {
  if (value === null) return "–";
  switch (unit) {
    case "seconds":
      return value < 1 ? `${digits(value * 1_000, language)} ms` : `${digits(value, language)} s`;
    case "rate":
      return `${digits(value, language)}/s`;
    case "average":
      return digits(value, language);
    case "count":
      return new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value);
  }
}

/** As many digits as say something: none behind 100, one behind 10, two below. */
function digits(value: number, language: string): string {
  const least = Math.abs(value);
  const maximumFractionDigits = least >= 100 ? 0 : least >= 10 ? 1 : 2;
  return new Intl.NumberFormat(language, { maximumFractionDigits }).format(value);
}

/** A start that happens once: the same request has the same key until it is known to have been answered. */
import { freshKey } from "../lib/key";

const STORED = "sessiond.attempt";

/** Return the key of a request: that of the last try if it was the same and nobody knows what came of it. */
export function keyOf(body: unknown, storage: Storage = sessionStorage): string {
  const text = JSON.stringify(body);
  try {
    const last = JSON.parse(storage.getItem(STORED) ?? "null") as { key: string; text: string } | null;
    if (last?.text === text) return last.key;
    const key = freshKey();
    storage.setItem(STORED, JSON.stringify({ key, text }));
    return key;
  } catch {
    return freshKey(); // storage is switched off
  }
}

/** The request was answered: the next one, even if it is the same, is another. */
export function answered(storage: Storage = sessionStorage): void {
  storage.removeItem(STORED);
}

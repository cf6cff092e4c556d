/** Short messages that need no answer. */

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: "info" | "failed";
}

const LIFE_MS = 6_000;
let next = 0;
let shown = $state.raw<readonly Toast[]>([]);

export function toasts(): readonly Toast[] {
  return shown;
}

export function toast(text: string, kind: Toast["kind"] = "info"): void {
  next += 1;
  const id = next;
  shown = [...shown.slice(-3), { id, text, kind }];
  setTimeout(() => dismiss(id), LIFE_MS);
}

export function dismiss(id: number): void {
  shown = shown.filter((each) => each.id !== id);
}

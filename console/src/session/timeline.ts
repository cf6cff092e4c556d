/** Who ran when, as fractions of the session's span. Pure. */
import type { Pause, Run, SessionModel } from "./model";

export interface Bar {
  readonly run: Run;
  /** Of the whole span, 0 to 1. */
  readonly from: number;
  readonly width: number;
}

export interface Lane {
  readonly nodeId: string;
  readonly bars: readonly Bar[];
}

export interface Chart {
  readonly lanes: readonly Lane[];
  readonly pauses: readonly { readonly from: number; readonly width: number; readonly pause: Pause }[];
  readonly marks: readonly { readonly at: number; readonly ms: number }[];
  /** Milliseconds from its beginning to its end, or to now. */
  readonly span: number;
}

const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400].map((s) => s * 1_000);
const LEAST_WIDTH = 0.004;

/** Return the chart of a session as it is at `now`, milliseconds since the epoch; lanes in the order of their starts. */
export function chart(model: SessionModel, now: number): Chart {
  const begin = model.startedAt ?? model.createdAt ?? now;
  const end = Math.max(model.endedAt ?? now, begin + 1);
  const span = end - begin;
  const at = (time: number): number => Math.min(1, Math.max(0, (time - begin) / span));
  const between = (from: number, to: number | undefined): { from: number; width: number } => {
    const left = Math.min(at(from), 1 - LEAST_WIDTH);
    return { from: left, width: Math.max(at(to ?? end) - left, LEAST_WIDTH) };
  };
  const ran = [...model.nodes.values()].filter((node) => node.runs.length > 0);
  ran.sort((one, other) => one.runs[0]!.since - other.runs[0]!.since);
  return {
    lanes: ran.map((node) => ({
      nodeId: node.id,
      bars: node.runs.map((run) => ({ run, ...between(run.startedAt, run.endedAt) })),
    })),
    pauses: model.pauses.map((pause) => ({ pause, ...between(pause.from, pause.to) })),
    marks: marks(span),
    span,
  };
}

/** Return at most five places for a label, at round times. */
function marks(span: number): { at: number; ms: number }[] {
  const step = STEPS.find((each) => span / each <= 4) ?? STEPS.at(-1)! * Math.ceil(span / STEPS.at(-1)! / 4);
  const found = [];
  for (let ms = 0; ms <= span * 0.9; ms += step) found.push({ at: ms / span, ms });
  return found;
}

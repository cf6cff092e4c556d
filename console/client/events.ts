import type { components } from "./schema";

type Schemas = components["schemas"];

/** The `data` of each event, by its name. */
export interface Facts {
  "execution:created": Schemas["ExecutionCreated"];
  "execution:started": Schemas["ExecutionStarted"];
  node_state_change: Schemas["NodeStateChange"];
  "node:parallel_start": Schemas["ParallelStart"];
  token_stream: Schemas["TokenStream"];
  tool_execution: Schemas["ToolExecution"];
  token_usage: Schemas["TokenUsage"];
  progress: Schemas["Progress"];
  "execution:paused": Schemas["ExecutionPaused"];
  "execution:quiesced": Schemas["ExecutionQuiesced"];
  "execution:resumed": Schemas["ExecutionResumed"];
  human_interaction_required: Schemas["HumanInteractionRequired"];
  signal_awaited: Schemas["SignalAwaited"];
  signal_received: Schemas["SignalReceived"];
  "timer:set": Schemas["TimerSet"];
  "child:started": Schemas["ChildStarted"];
  "child:ended": Schemas["ChildEnded"];
  node_resumed: Schemas["NodeResumed"];
  error: Schemas["AttemptError"];
  "execution:recovered": Schemas["ExecutionRecovered"];
  "execution:completed": Schemas["ExecutionCompleted"];
}

export type EventName = keyof Facts;

interface Envelope<Name extends string, Data> {
  /** 1, 2, 3 … within the session, without gap or repeat. */
  readonly seq: number;
  readonly session_id: string;
  readonly event: Name;
  /** RFC 3339 in UTC with microseconds. */
  readonly timestamp: string;
  readonly node_id?: string | null;
  readonly data: Data;
}

/** An event that this client knows; others come too, and are to be passed over. */
export type SessionEvent = { [Name in EventName]: Envelope<Name, Facts[Name]> }[EventName];

/** What says something of the stream itself: no event, so it has no seq. */
export interface Notice {
  readonly event: "stream:live" | "stream:reset";
  readonly session_id: string;
  readonly data: { readonly seq?: number; readonly first_seq?: number; readonly snapshot?: unknown };
}

export type Message = SessionEvent | Notice;

export function isNotice(message: Message): message is Notice {
  return message.event === "stream:live" || message.event === "stream:reset";
}

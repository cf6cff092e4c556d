/** What the nodes of a graph read: they are placed once, and look at the session themselves. */
import { createContext } from "svelte";
import type { Graph } from "../../../client";
import type { LiveSession } from "../live.svelte";

export interface Shown {
  readonly live: LiveSession;
  readonly graph: Graph;
  readonly selected: string | undefined;
  select(nodeId: string): void;
}

export const [getShown, setShown] = createContext<Shown>();

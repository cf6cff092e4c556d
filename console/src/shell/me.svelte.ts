/** Who the page's person is to the server, and so what they may not do here; nothing while that isn't known. */
import { Client, Problem, type Me } from "../../client";
import { words } from "../i18n/language.svelte";
import { shell } from "./dictionary";
import { NEEDS, reaches, type Deed } from "./roles";
import { server } from "./server.svelte";

/** After an answer that wasn't one. */
const AGAIN_MS = 5_000;
/** What the server calls everybody, where nobody has to say who they are. */
const ANYBODY = "anonymous";

/** Asks beside the views: that nobody is signed in is theirs to find out, or they would be gone in the middle of it. */
const aside = new Client({ base: server.base, token: server.token });

let me = $state.raw<Me>();

/** Ask the server until it answers, or the returned function is called. One that doesn't know the question allows all. */
export function ask(): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  me = undefined;
  async function load(): Promise<void> {
    try {
      const found = await aside.me(abort.signal);
      if (!abort.signal.aborted) me = found;
    } catch (error) {
      if (abort.signal.aborted || (error instanceof Problem && error.status < 500)) return;
      timer = setTimeout(() => void load(), AGAIN_MS);
    }
  }
  void load();
  return () => {
    abort.abort();
    clearTimeout(timer);
  };
}

/** What the log calls the person; nothing if that isn't known, or nobody has to say it. */
export function ownName(): string | undefined {
  return me?.name === ANYBODY ? undefined : me?.name;
}

/** Why the person may not do it, in the language of now; nothing if they may, as far as is known. */
export function refusal(deed: Deed): string | undefined {
  const { role } = NEEDS[deed];
  if (me === undefined || reaches(me.roles, role)) return undefined;
  return words(shell).takes(role, me.roles.join(", "));
}

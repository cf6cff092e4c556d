/** The one client of the page, and who it speaks for: a token in the tab's own storage, gone when the tab is. */
import { Client, Problem } from "../../client";

const STORED = "sessiond.token";

let token = $state<string | undefined>(sessionStorage.getItem(STORED) ?? undefined);
let wanted = $state(false);
let epoch = $state(0);

export const server = new Client({
  base: new URL(".", document.baseURI.split("#", 1)[0]),
  token: () => token,
  onUnauthenticated: () => (wanted = true),
});

export const identity = {
  /** Whether a token is in use. */
  get signedIn(): boolean {
    return token !== undefined;
  },
  /** Whether the server asked for one, or for another. */
  get wanted(): boolean {
    return wanted;
  },
  /** Counts sign-ins and sign-outs: whatever was read before is to be read again. */
  get epoch(): number {
    return epoch;
  },
};

/** Ask for a sign-in: a stream was refused. */
export function askToSignIn(): void {
  wanted = true;
}

/** Use a token, if the server takes it. Rejects with why not. */
export async function signIn(given: string): Promise<void> {
  const trial = new Client({ base: server.base, token: () => given });
  try {
    await trial.sessions({ limit: 1 });
  } catch (error) {
    if (!(error instanceof Problem && error.status === 403)) throw error; // known, but may not list: let them in
  }
  sessionStorage.setItem(STORED, given);
  token = given;
  wanted = false;
  epoch += 1;
}

export function signOut(): void {
  sessionStorage.removeItem(STORED);
  token = undefined;
  wanted = true;
  epoch += 1;
}

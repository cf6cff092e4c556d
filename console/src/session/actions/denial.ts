/** Why the page's person may not answer for a node, in the language of now. */
import { words } from "../../i18n/language.svelte";
import { ownName, refusal } from "../../shell/me.svelte";
import type { Wait } from "../model";
import { acts } from "./dictionary";
import { barOf } from "./waits";

/** Return why not; nothing if they may, as far as is known. */
export function denial(wait: Wait | undefined): string | undefined {
  const role = refusal("answer");
  if (role !== undefined) return role;
  const t = words(acts);
  switch (barOf(wait, ownName())) {
    case "begun":
      return t.begun;
    case "others":
      return t.reviewers(wait?.reviewers?.join(", ") ?? "");
    case "nobody":
      return t.nobody;
    case undefined:
      return undefined;
  }
}

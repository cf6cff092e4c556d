import type { Dictionary } from "../i18n/language.svelte";

const en = {
  title: "Session",
};

export const session: Dictionary<typeof en> = {
  en,
  zh: {
    title: "会话",
  },
};

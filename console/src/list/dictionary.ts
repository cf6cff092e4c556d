import type { Dictionary } from "../i18n/language.svelte";

const en = {
  title: "Sessions",
};

export const list: Dictionary<typeof en> = {
  en,
  zh: {
    title: "会话",
  },
};

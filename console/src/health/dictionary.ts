import type { Dictionary } from "../i18n/language.svelte";

const en = {
  title: "Health",
};

export const health: Dictionary<typeof en> = {
  en,
  zh: {
    title: "健康",
  },
};

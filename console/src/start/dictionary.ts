import type { Dictionary } from "../i18n/language.svelte";

const en = {
  title: "Start",
};

export const start: Dictionary<typeof en> = {
  en,
  zh: {
    title: "开始",
  },
};

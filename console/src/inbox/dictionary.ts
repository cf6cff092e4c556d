import type { Dictionary } from "../i18n/language.svelte";

const en = {
  button: (count: string) => `Waiting for people: ${count}`,
  none: "Nobody is waited for",
  title: "Waiting for people",
  empty: "Nothing waits for you",
  emptyHint: "Reviews and failed nodes that need a decision appear here as they come.",
  more: "There are more: these are the newest.",
  paused: "its session is paused",
};

export const inbox: Dictionary<typeof en> = {
  en,
  zh: {
    button: (count) => `等待处理:${count}`,
    none: "没有待处理事项",
    title: "等待处理",
    empty: "没有待处理事项",
    emptyHint: "审核请求以及需要决定的失败节点会在出现时显示在这里。",
    more: "还有更多,这里仅显示最新的。",
    paused: "会话已暂停",
  },
};

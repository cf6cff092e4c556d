import type { Dictionary } from "./language.svelte";

/** Words that several views share. */
const en = {
  status: {
    pending: "pending",
    running: "running",
    paused: "paused",
    suspended: "waiting",
    completed: "completed",
    failed: "failed",
    cancelled: "cancelled",
    skipped: "skipped",
  },
  close: "Close",
  cancel: "Cancel",
  retry: "Try again",
  loading: "Loading…",
  copy: "Copy",
  copied: "Copied",
  unreachable: "The server can't be reached",
  unexpected: "Something went wrong in this page",
  instead: (actions: string) => `What it does allow now: ${actions}.`,
  nothingAllowed: "It has ended and takes no commands any more.",
};

export type Words = typeof en;

export const common: Dictionary<Words> = {
  en,
  zh: {
    status: {
      pending: "未开始",
      running: "运行中",
      paused: "已暂停",
      suspended: "等待中",
      completed: "已完成",
      failed: "失败",
      cancelled: "已取消",
      skipped: "已跳过",
    },
    close: "关闭",
    cancel: "取消",
    retry: "重试",
    loading: "加载中…",
    copy: "复制",
    copied: "已复制",
    unreachable: "无法连接服务器",
    unexpected: "页面出现错误",
    instead: (actions: string) => `当前允许的操作:${actions}。`,
    nothingAllowed: "会话已结束,不再接受任何命令。",
  },
};

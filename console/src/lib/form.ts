import type { Dictionary } from "../i18n/language.svelte";

const en = {
  asForm: "Form",
  asJson: "JSON",
  as: "How to fill it in",
  value: "Value",
  add: "Add",
  removeItem: (number: number) => `Remove number ${number}`,
  item: (name: string, number: number) => `${name} ${number}`,
  none: "none",
  required: "required",
  missing: "This is required.",
  noNumber: "This is no number.",
  noWhole: "This is no whole number.",
  noJson: (why: string) => `This is no JSON: ${why}`,
  empty: "empty: not given",
};

export const form: Dictionary<typeof en> = {
  en,
  zh: {
    asForm: "表单",
    asJson: "JSON",
    as: "填写方式",
    value: "值",
    add: "添加",
    removeItem: (number: number) => `删除第 ${number} 项`,
    item: (name: string, number: number) => `${name} ${number}`,
    none: "无",
    required: "必填",
    missing: "此项必填。",
    noNumber: "不是有效的数字。",
    noWhole: "不是整数。",
    noJson: (why: string) => `不是有效的 JSON:${why}`,
    empty: "留空表示不提供",
  },
};

import type { Dictionary } from "../i18n/language.svelte";

const en = {
  skip: "Skip to the content",
  navigation: "Views",
  start: "Start",
  list: "Sessions",
  health: "Health",
  docs: "API",
  theme: { system: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" },
  language: "中文",
  signOut: "Sign out",
  signInTitle: "Sign in",
  signInWhy: "This server asks who you are. Paste an API key or a token; it is kept in this tab only.",
  token: "Key or token",
  signIn: "Sign in",
  refused: "The server doesn't take this key or token.",
  takes: (role: string, own: string) => `This takes the role ${role}. Yours: ${own}.`,
  nowhere: "There is no such page",
  home: "Back to the start",
};

export const shell: Dictionary<typeof en> = {
  en,
  zh: {
    skip: "跳到正文",
    navigation: "视图",
    start: "开始",
    list: "会话",
    health: "健康",
    docs: "接口",
    theme: { system: "主题:跟随系统", light: "主题:浅色", dark: "主题:深色" },
    language: "English",
    signOut: "退出登录",
    signInTitle: "登录",
    signInWhy: "此服务器需要身份验证。请粘贴 API 密钥或令牌;它只保存在当前标签页中。",
    token: "密钥或令牌",
    signIn: "登录",
    refused: "服务器不接受此密钥或令牌。",
    takes: (role, own) => `此操作需要 ${role} 角色。您的角色:${own}。`,
    nowhere: "页面不存在",
    home: "返回首页",
  },
};

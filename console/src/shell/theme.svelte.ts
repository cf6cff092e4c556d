/** Light, dark, or as the system has it; `public/console/theme.js` reads the choice before the first paint. */

export type Theme = "system" | "light" | "dark";
const STORED = "sessiond.theme";
const NEXT: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };

let theme = $state<Theme>((document.documentElement.dataset.theme as Theme | undefined) ?? "system");

export function current(): Theme {
  return theme;
}

export function turn(): void {
  theme = NEXT[theme];
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(STORED, theme);
  } catch {
    // storage is switched off: it lasts as long as the page
  }
}

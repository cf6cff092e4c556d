/** Which language the page speaks, and how a dictionary is picked by it. */

export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

/** What a translation of `T` has to have: the same keys, and functions of the same arguments. */
export type Like<T> = {
  readonly [Key in keyof T]: T[Key] extends (...given: infer Given) => string
    ? (...given: Given) => string
    : T[Key] extends string
      ? string
      : Like<T[Key]>;
};

/** A feature's words, in every language. */
export type Dictionary<T> = { readonly en: T; readonly zh: Like<T> };

const STORED = "sessiond.language";

function first(): Language {
  const chosen = read();
  if (chosen === "en" || chosen === "zh") return chosen;
  return navigator.languages.find((name) => /^(en|zh)\b/.test(name))?.startsWith("zh") ? "zh" : "en";
}

function read(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage is switched off
  }
}

const chosenFirst = first();
let language = $state<Language>(chosenFirst);
document.documentElement.lang = chosenFirst;

export function current(): Language {
  return language;
}

export function speak(chosen: Language): void {
  language = chosen;
  document.documentElement.lang = chosen;
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // it lasts as long as the page, then
  }
}

/** Return the words in the language of now: `const t = $derived(words(dictionary))`. */
export function words<T>(dictionary: Dictionary<T>): Like<T> {
  return language === "en" ? (dictionary.en as unknown as Like<T>) : dictionary.zh;
}

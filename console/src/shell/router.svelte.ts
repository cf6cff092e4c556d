/** Which view is shown: it is in the URL behind `#`, so links and reloads lead to it, and the server needn't know. */

export type Route =
  | { readonly view: "start"; readonly query: URLSearchParams }
  | { readonly view: "list"; readonly query: URLSearchParams }
  | { readonly view: "session"; readonly id: string; readonly query: URLSearchParams }
  | { readonly view: "health"; readonly query: URLSearchParams }
  | { readonly view: "unknown"; readonly query: URLSearchParams };

export type View = Route["view"];

/** Return the route that a URL's hash names: `#/sessions/abc?node=b`. */
export function parse(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const query = new URLSearchParams(search);
  const [first = "", second, ...more] = path.split("/").filter((part, at) => at === 0 || part !== "");
  if (more.length > 0) return { view: "unknown", query };
  if (first === "" && second === undefined) return { view: "start", query };
  if (first === "health" && second === undefined) return { view: "health", query };
  if (first === "sessions") {
    return second === undefined ? { view: "list", query } : { view: "session", id: decode(second), query };
  }
  return { view: "unknown", query };
}

export const links = {
  start: (): string => "#/",
  list: (): string => "#/sessions",
  session: (id: string): string => `#/sessions/${encodeURIComponent(id)}`,
  health: (): string => "#/health",
};

let route = $state.raw<Route>(parse(location.hash));
addEventListener("hashchange", () => (route = parse(location.hash)));

export function current(): Route {
  return route;
}

export function go(link: string): void {
  location.hash = link;
}

/** Change what stands behind `?` without a step in the history; nothing is `undefined`. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const query = new URLSearchParams(route.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const path = location.hash.split("?", 1)[0] || "#/";
  history.replaceState(null, "", query.size > 0 ? `${path}?${query}` : path);
  route = { ...route, query };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

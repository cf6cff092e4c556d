/** Labels as people type them: `team:core, ticket:OPS-1`. Pure. */

/** Return labels by name; what has no colon is a label without a value. Nothing if a name is empty or comes twice. */
export function labelsOf(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const part of text.split(/[,\n]/).map((each) => each.trim())) {
    if (part === "") continue;
    const at = part.indexOf(":");
    const name = (at < 0 ? part : part.slice(0, at)).trim();
    if (name === "" || Object.hasOwn(labels, name)) return undefined;
    labels[name] = at < 0 ? "" : part.slice(at + 1).trim();
  }
  return labels;
}

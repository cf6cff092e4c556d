/** Return a key that nobody else has, for a command that is to be carried out once. */
export function freshKey(): string {
  // Not `randomUUID`, which a page that came over plain HTTP from another machine doesn't have.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

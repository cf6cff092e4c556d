/** What takes which role: the one table of the page. Pure. A test holds it against the server's. */
import type { Me } from "../../client";

export type Role = Me["roles"][number];

/** Each may do what those before it may. */
const ROLES: readonly Role[] = ["viewer", "operator", "author", "admin"];

/** What a person may do here beyond looking, with the calls that it comes to. */
export const NEEDS = {
  run: { role: "operator", calls: ["POST /workflows/execute"] },
  steer: {
    role: "operator",
    calls: ["POST /sessions/{session_id}/control", "POST /sessions/{session_id}/signal", "POST /sessions/{session_id}/fork"],
  },
  answer: {
    role: "operator",
    calls: [
      "POST /sessions/{session_id}/review",
      "POST /sessions/{session_id}/nodes/{node_id}/resume",
      "POST /sessions/{session_id}/nodes/{node_id}/retry",
      "POST /sessions/{session_id}/nodes/{node_id}/skip",
    ],
  },
  /** To check, save or start a graph of one's own. */
  write: { role: "author", calls: ["POST /workflows/validate", "PUT /workflows/{workflow_id}"] },
  remove: { role: "admin", calls: ["DELETE /sessions/{session_id}"] },
} as const satisfies Record<string, { role: Role; calls: readonly string[] }>;

export type Deed = keyof typeof NEEDS;

/** Return whether somebody with these roles may do what `role` may. */
export function reaches(roles: readonly Role[], role: Role): boolean {
  return roles.some((own) => ROLES.indexOf(own) >= ROLES.indexOf(role));
}

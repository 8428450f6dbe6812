/** Whether a snapshot is in force, or why everything stays as it was. */
export type ApplyResult = { readonly ok: true } | { readonly ok: false; readonly problem: string }

/** That it could not be brought into force. */
export function refused(error: unknown): ApplyResult {
  return { ok: false, problem: error instanceof Error ? error.message : String(error) }
}

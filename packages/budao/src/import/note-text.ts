import type { Note } from './imported.ts'

/** Longer statements are cut: the line says where to read on. */
const textMax = 120

/** `file:line: kind: text: reason`; `paint` colours the kind. */
export function formatNote(
  { file, line, text, kind, reason }: Note,
  paint: (text: string) => string = (plain) => plain,
): string {
  const shown = text.length > textMax ? `${text.slice(0, textMax - 1)}…` : text
  return `${file}:${line}: ${paint(kind)}: ${shown}: ${reason}`
}

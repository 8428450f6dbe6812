import type { LogRecord } from '@budao/model'
import type { Colour, Paint } from '../output.ts'

const shownMax = 12
/** What stands in the line already, or says nothing to a person. */
const passedOver: ReadonlySet<string> = new Set(['log.file.path', 'event.dataset'])

/** A record as one line for people: its time here, level, service, message, and what else it says. */
export function logLine(
  { timestamp, severityText, severityNumber, body, resource, attributes }: LogRecord,
  paint: Paint,
): string {
  const level = severityText === '' ? '–' : severityText
  const service = String(attributes['service.name'] ?? resource['service.name'] ?? '–')
  const rest = Object.entries(attributes)
    .filter(([name]) => !passedOver.has(name) && name !== 'service.name')
    .slice(0, shownMax)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
  const colour = colourOf(severityNumber)
  const word = level.padEnd(5)
  const message = printable(body)
  return `${new Date(timestamp).toISOString()}  ${colour === null ? word : paint(colour, word)}  ${service}  ${message}${rest === '' ? '' : `  ${paint('dim', printable(rest))}`}`
}

function colourOf(severityNumber: number): Colour | null {
  if (severityNumber >= 17) return 'red'
  if (severityNumber >= 13) return 'yellow'
  return severityNumber > 0 && severityNumber < 9 ? 'dim' : null
}

/** A log line may hold what would move the cursor of whoever reads it. */
function printable(text: string): string {
  return text.replace(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

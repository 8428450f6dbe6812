import { severities, type SeverityName } from '@budao/model'
import { isLevelName } from '../record/filter-match.ts'
import type { LogFilter } from '@budao/model'
import { severityOf } from '../record/severity.ts'
import { type BlockMaps, mayHoldTerm, mayHoldText } from './block-sketch.ts'

/** What is asked about a block: its levels at once, its maps only when they decide. */
export interface BlockFacts {
  readonly levels: number
  readonly maps: () => BlockMaps | undefined
}

/** Whether any record of a block can pass a filter. False is sure, true is not. */
export function mayHold(filter: LogFilter, facts: BlockFacts): boolean {
  switch (filter.kind) {
    case 'all':
    case 'not':
      return true
    case 'and':
      return filter.parts.every((part) => mayHold(part, facts))
    case 'or':
      return filter.parts.some((part) => mayHold(part, facts))
    case 'text':
      return holdsText(facts, filter.text)
    case 'field':
      return mayHoldField(filter, facts)
  }
}

function mayHoldField({ name, operator, value }: LogFilter & { kind: 'field' }, facts: BlockFacts): boolean {
  if (operator === 'exists') return true
  if (operator === 'like') return value.split('*').every((part) => holdsText(facts, part))
  if (isLevelName(name)) {
    if (operator !== '=') return (facts.levels & levelsBeyond(operator, value)) !== 0
    const { severityNumber, severityText } = severityOf(value)
    return severityNumber > 0 || holdsTerm(facts, ['level'], severityText)
      ? severityNumber === 0 || (facts.levels & (1 << severityNumber)) !== 0
      : false
  }
  if (operator !== '=') return true
  switch (name) {
    case 'severity_number':
      return true
    case 'message':
    case 'body':
      return holdsText(facts, value)
    case 'trace.id':
    case 'trace_id':
      return holdsTerm(facts, ['trace'], value)
    case 'span.id':
    case 'span_id':
      return holdsTerm(facts, ['span'], value)
    case 'service':
    case 'host':
      return holdsTerm(facts, [name, `${name}.name`], value)
    case 'event.kind':
      return holdsTerm(facts, [name, 'kind'], value)
    default:
      return holdsTerm(facts, [name], value)
  }
}

/** Severity numbers that a comparison leaves, a bit each. */
function levelsBeyond(operator: '>' | '>=' | '<' | '<=', value: string): number {
  const limit = severities[value.toLowerCase() as SeverityName] ?? Number.NaN
  let bits = 0
  for (let number = 1; number <= 24; number++) {
    const holds =
      operator === '>'
        ? number > limit
        : operator === '>='
          ? number >= limit
          : operator === '<'
            ? number < limit
            : number <= limit
    if (holds) bits |= 1 << number
  }
  return bits
}

function holdsText({ maps }: BlockFacts, text: string): boolean {
  // Only letters whose case the maps fold too: É and é are one to a search, and two in the maps.
  const parts = text.split(/[^\p{ASCII}\p{Lo}\p{N}\p{P}\p{Z}]/u)
  const found = maps()
  return found === undefined || parts.every((part) => mayHoldText(found, part))
}

function holdsTerm({ maps }: BlockFacts, names: readonly string[], value: string): boolean {
  const found = maps()
  return found === undefined || names.some((name) => mayHoldTerm(found, name, value))
}

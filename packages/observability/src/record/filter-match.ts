import { type LogRecord, severities, type SeverityName } from '@budao/model'
import { fieldOf } from './field.ts'
import type { LogFilter } from '@budao/model'

/** Whether a record is meant. */
export type RecordTest = (record: LogRecord) => boolean

/** Makes a filter into a function, once for many records. */
export function recordTest(filter: LogFilter): RecordTest {
  switch (filter.kind) {
    case 'all':
      return () => true
    case 'and': {
      const tests = filter.parts.map(recordTest)
      return (record) => tests.every((test) => test(record))
    }
    case 'or': {
      const tests = filter.parts.map(recordTest)
      return (record) => tests.some((test) => test(record))
    }
    case 'not': {
      const test = recordTest(filter.part)
      return (record) => !test(record)
    }
    case 'text':
      return textTest(filter.text)
    case 'field':
      return fieldTest(filter)
  }
}

function textTest(text: string): RecordTest {
  const wanted = text.toLowerCase()
  return ({ body }) => body.toLowerCase().includes(wanted)
}

const levelNames: ReadonlySet<string> = new Set(['log.level', 'level', 'severity', 'severity_text'])

/** Names under which a level is asked for, compared without regard to case. */
export function isLevelName(name: string): boolean {
  return levelNames.has(name)
}

function fieldTest({ name, operator, value }: LogFilter & { kind: 'field' }): RecordTest {
  if (operator === 'exists') {
    return (record) => {
      const found = fieldOf(record, name)
      return found !== undefined && found !== null && found !== ''
    }
  }
  const isLevel = isLevelName(name)
  if (operator === '=') {
    const wanted = isLevel ? value.toLowerCase() : value
    return (record) => {
      const found = fieldOf(record, name)
      return (
        found === wanted || (typeof found !== 'string' && found !== undefined && String(found) === wanted)
      )
    }
  }
  if (operator === 'like') {
    const pattern = wildcard(isLevel ? value.toLowerCase() : value)
    return (record) => {
      const found = fieldOf(record, name)
      return found !== undefined && pattern.test(String(found))
    }
  }
  const limit = isLevel ? severities[value.toLowerCase() as SeverityName] : Number(value)
  const holds = comparisons[operator]
  return (record) => {
    const found = isLevel ? record.severityNumber : fieldOf(record, name)
    if (found === undefined || found === null || found === '' || (isLevel && found === 0)) return false
    return holds(Number(found), limit)
  }
}

const comparisons = {
  '>': (found: number, limit: number) => found > limit,
  '>=': (found: number, limit: number) => found >= limit,
  '<': (found: number, limit: number) => found < limit,
  '<=': (found: number, limit: number) => found <= limit,
} as const

function wildcard(value: string): RegExp {
  const parts = value.split('*').map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

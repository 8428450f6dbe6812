import { wordIn } from '@budao/model'
import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { wholeAt } from './istio-number.ts'
import { type Part, tellUnknown, textAt } from './manifest-part.ts'

/** What `retries` of a route say: settings of its services, and the time of one attempt. */
export interface Retries {
  readonly retry: Written | undefined
  readonly perTry: string | undefined
}

const attemptsMax = 10

export function readRetries(retries: Part, notes: Notes): Retries {
  if (retries.value === undefined) return { retry: undefined, perTry: undefined }
  tellUnknown(retries, known, notes, reasons)
  const attempts = wholeAt(retries, ['attempts'], attemptsMax, notes)
  const words = (textAt(retries, 'retryOn') ?? '').split(',').map((word) => word.trim())
  const on = words.flatMap((word) => {
    if (word === '') return []
    if (/^[45]\d\d$/.test(word)) return [word]
    const known = wordIn(conditions, word)
    if (known === undefined) notes.add('lost', retries.place('retryOn'), word, 'has no counterpart')
    return known ?? []
  })
  const retry = {
    ...(attempts === undefined ? {} : { attempts }),
    ...(on.length === 0 ? {} : { on: [...new Set(on)] }),
  }
  return {
    retry: Object.keys(retry).length === 0 ? undefined : retry,
    perTry: textAt(retries, 'perTryTimeout'),
  }
}

const conditions: Readonly<Record<string, readonly string[]>> = {
  '5xx': ['connect-failure', 'reset-before-request', 'reset', 'timeout', '500', '502', '503', '504'],
  'gateway-error': ['502', '503', '504'],
  'connect-failure': ['connect-failure'],
  'refused-stream': ['reset-before-request'],
  reset: ['reset-before-request', 'reset'],
  'reset-before-request': ['reset-before-request'],
  'retriable-4xx': ['409'],
}

const known: ReadonlySet<string> = new Set(['attempts', 'perTryTimeout', 'retryOn'])

const reasons: Readonly<Record<string, string>> = {
  retryRemoteLocalities: 'other sites are asked as mode says',
  backoff: 'see retry.backoff of a service',
}

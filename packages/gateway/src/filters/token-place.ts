import type { TokenPlace } from '@budao/model'
import { cookieValue, queryValue } from '../exchange/request-values.ts'
import type { FilterRequest } from './filter.ts'

/** Reads a token from the first place that has one; undefined where none has. */
export function tokenReader(places: readonly TokenPlace[]): (request: FilterRequest) => string | undefined {
  const readers = places.map(placeReader)
  const [only] = readers
  if (readers.length === 1) return only!
  return (request) => {
    for (const read of readers) {
      const token = read(request)
      if (token !== undefined) return token
    }
    return undefined
  }
}

function placeReader(place: TokenPlace): (request: FilterRequest) => string | undefined {
  if ('cookie' in place) return (request) => filled(cookieValue(request.header('cookie'), place.cookie))
  if ('query' in place) return (request) => filled(queryValue(request.query, place.query))
  const header = place.header.toLowerCase()
  if (header === 'authorization') return (request) => bearer(request.header(header))
  return (request) => {
    const value = request.header(header)
    return bearer(value) ?? (value === undefined || /\s/.test(value) ? undefined : filled(value))
  }
}

/** Undefined also for another scheme: such a client was never asked for a token. */
function bearer(value: string | undefined): string | undefined {
  if (value === undefined || value.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  return filled(value.slice(7).trim())
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

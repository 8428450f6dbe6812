import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { items, keysOf, type Part, tellUnknown, textAt } from './manifest-part.ts'

/** The `redirect` or `directResponse` of a route; undefined where it has neither. */
export function readAnswer(route: Part, notes: Notes): Written | undefined {
  const redirect = route.at('redirect')
  if (redirect.value !== undefined) return { redirect: readRedirect(redirect, notes) }
  const direct = route.at('directResponse')
  if (direct.value === undefined) return undefined
  tellUnknown(direct, knownInDirect, notes)
  const body = textAt(direct, 'body', 'string')
  const bytes = textAt(direct, 'body', 'bytes')
  const decoded = bytes === undefined ? body : Buffer.from(bytes, 'base64').toString('utf8')
  return {
    respond: {
      status: Number(textAt(direct, 'status') ?? 200),
      ...(decoded === undefined ? {} : { body: decoded }),
    },
  }
}

function readRedirect(redirect: Part, notes: Notes): Written {
  tellUnknown(redirect, knownInRedirect, notes)
  const scheme = textAt(redirect, 'scheme')
  const host = textAt(redirect, 'authority')
  const port = textAt(redirect, 'port')
  const path = textAt(redirect, 'uri')
  return {
    ...(scheme === undefined ? {} : { scheme }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(path === undefined ? {} : { path }),
    status: Number(textAt(redirect, 'redirectCode') ?? 301),
  }
}

/** What a route changes of the path and the name. */
export function readRewrite(route: Part, notes: Notes): Written | undefined {
  const rewrite = route.at('rewrite')
  if (rewrite.value === undefined) return undefined
  tellUnknown(rewrite, knownInRewrite, notes, { uriRegexRewrite: 'only prefixes are rewritten' })
  const prefix = textAt(rewrite, 'uri')
  const host = textAt(rewrite, 'authority')
  if (prefix === undefined && host === undefined) return undefined
  return { ...(prefix === undefined ? {} : { prefix }), ...(host === undefined ? {} : { host }) }
}

/** `fault`, `headers` and `corsPolicy` of a route. */
export function readFilters(route: Part, notes: Notes): Written[] {
  const cors = route.at('corsPolicy')
  const fault = readFault(route.at('fault'), notes)
  const headers = readHeaders(route.at('headers'), notes)
  return [
    ...(cors.value === undefined ? [] : [readCors(cors, notes)]),
    ...(fault === undefined ? [] : [{ fault }]),
    ...(headers === undefined ? [] : [{ headers }]),
  ]
}

function readHeaders(headers: Part, notes: Notes): Written | undefined {
  tellUnknown(headers, knownInHeaders, notes)
  const edits = (['request', 'response'] as const).flatMap((side) => {
    const operations = headers.at(side)
    tellUnknown(operations, knownInOperations, notes)
    const lines = (name: 'set' | 'add'): Written => {
      const map = operations.at(name)
      const values = keysOf(map).map((key) => [key, textAt(map, key) ?? ''])
      return values.length === 0 ? {} : { [name]: Object.fromEntries(values) as Written }
    }
    const remove = items(operations, 'remove').map(({ value }) => String(value))
    const edit = { ...lines('set'), ...lines('add'), ...(remove.length === 0 ? {} : { remove }) }
    return Object.keys(edit).length === 0 ? [] : [[side, edit] as const]
  })
  return edits.length === 0 ? undefined : Object.fromEntries(edits)
}

function readFault(fault: Part, notes: Notes): Written | undefined {
  const delay = fault.at('delay')
  const abort = fault.at('abort')
  tellUnknown(fault, knownInFault, notes)
  const fixed = textAt(delay, 'fixedDelay')
  const status = Number(textAt(abort, 'httpStatus') ?? Number.NaN)
  const read: Written = {}
  if (fixed !== undefined) read['delay'] = { basisPoints: basisPoints(delay), fixed }
  else if (delay.value !== undefined)
    notes.add('lost', delay.place(), 'delay', 'expected fixedDelay: no other delay has a counterpart')
  if (status >= 400 && status < 600) read['abort'] = { basisPoints: basisPoints(abort), status }
  else if (abort.value !== undefined)
    notes.add('lost', abort.place(), 'abort', 'expected httpStatus from 400 to 599')
  return Object.keys(read).length === 0 ? undefined : read
}

/** `percentage` of what is given; all of it where none is. */
export function basisPoints(of: Part, key: string = 'percentage'): number {
  const percent = textAt(of, key, 'value') ?? textAt(of, 'percent') ?? '100'
  return Math.round(Number(percent) * 100)
}

function readCors(cors: Part, notes: Notes): Written {
  const origins = items(cors, 'allowOrigins').flatMap((origin) => {
    const exact = textAt(origin, 'exact')
    if (exact === undefined)
      notes.add('lost', origin.place(), 'allowOrigins', 'expected exact: origins are whole names')
    return exact ?? []
  })
  tellUnknown(cors, knownInCors, notes, corsReasons)
  const list = (name: string): string[] => items(cors, name).map(({ value }) => String(value))
  const [methods, headers] = [list('allowMethods'), list('allowHeaders')]
  const maxAge = textAt(cors, 'maxAge')
  return {
    cors: {
      ...(origins.length === 0 || origins.includes('*') ? {} : { origins }),
      ...(methods.length === 0 || methods.includes('*') ? {} : { methods }),
      ...(headers.length === 0 || headers.includes('*') ? {} : { headers }),
      ...(cors.at('allowCredentials').value === true ? { credentials: true } : {}),
      ...(maxAge === undefined ? {} : { maxAge }),
    },
  }
}

const knownInDirect: ReadonlySet<string> = new Set(['status', 'body'])

const knownInRewrite: ReadonlySet<string> = new Set(['uri', 'authority'])

const knownInHeaders: ReadonlySet<string> = new Set(['request', 'response'])

const knownInOperations: ReadonlySet<string> = new Set(['set', 'add', 'remove'])

const knownInFault: ReadonlySet<string> = new Set(['delay', 'abort'])

const knownInCors: ReadonlySet<string> = new Set([
  ...['allowOrigins', 'allowMethods', 'allowHeaders', 'maxAge', 'allowCredentials'],
])

const corsReasons: Readonly<Record<string, string>> = {
  allowOrigin: 'say allowOrigins with exact',
  exposeHeaders: 'set it with the filter headers',
}

const knownInRedirect: ReadonlySet<string> = new Set(['scheme', 'authority', 'port', 'uri', 'redirectCode'])

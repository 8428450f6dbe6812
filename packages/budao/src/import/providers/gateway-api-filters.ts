import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { items, type Part, textAt } from './manifest-part.ts'

/** What the filters of a rule become. */
export interface RuleFilters {
  readonly filters: readonly Written[]
  readonly redirect: Written | undefined
  readonly rewrite: Written | undefined
  /** The `requestMirror`, whose backend is known only beside the others. */
  readonly mirror: Part | undefined
}

export function readFilters(list: readonly Part[], notes: Notes): RuleFilters {
  const filters: Written[] = []
  let redirect: Written | undefined
  let rewrite: Written | undefined
  let mirror: Part | undefined
  for (const filter of list) {
    const type = textAt(filter, 'type') ?? ''
    const lost = (reason: string): void => notes.add('lost', filter.place(), type, reason)
    switch (type) {
      case 'RequestHeaderModifier':
        filters.push({ headers: { request: readEdit(filter.at('requestHeaderModifier')) } })
        break
      case 'ResponseHeaderModifier':
        filters.push({ headers: { response: readEdit(filter.at('responseHeaderModifier')) } })
        break
      case 'RequestRedirect':
        redirect = readRedirect(filter.at('requestRedirect'))
        if (Object.keys(redirect).length > 1) break
        redirect = undefined
        lost('it leads to where the request came from: 500')
        break
      case 'URLRewrite':
        rewrite = readRewrite(filter.at('urlRewrite'))
        break
      case 'RequestMirror':
        if (mirror === undefined) mirror = filter.at('requestMirror')
        else lost('one mirror of a route is carried over')
        break
      case 'CORS':
        filters.push(readCors(filter.at('cors')))
        break
      default:
        lost('has no counterpart: write a filter of the kind module')
    }
  }
  return { filters, redirect, rewrite, mirror }
}

function readEdit(modifier: Part): Written {
  const lines = (name: 'set' | 'add'): Record<string, string> => {
    const found: Record<string, string> = {}
    for (const entry of items(modifier, name))
      found[textAt(entry, 'name') ?? ''] ??= textAt(entry, 'value') ?? ''
    return found
  }
  const set = lines('set')
  const add = lines('add')
  const remove = items(modifier, 'remove').map(({ value }) => String(value))
  return {
    ...(Object.keys(set).length === 0 ? {} : { set }),
    ...(Object.keys(add).length === 0 ? {} : { add }),
    ...(remove.length === 0 ? {} : { remove }),
  }
}

function readRedirect(from: Part): Written {
  const scheme = textAt(from, 'scheme')
  const host = textAt(from, 'hostname')
  const port = textAt(from, 'port')
  return {
    ...(scheme === undefined ? {} : { scheme }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...readPathChange(from),
    status: Number(textAt(from, 'statusCode') ?? 302),
  }
}

function readRewrite(from: Part): Written {
  const host = textAt(from, 'hostname')
  return { ...(host === undefined ? {} : { host }), ...readPathChange(from) }
}

function readPathChange(from: Part): Written {
  const whole = textAt(from, 'path', 'replaceFullPath')
  const prefix = textAt(from, 'path', 'replacePrefixMatch')
  if (whole !== undefined) return { path: whole === '' ? '/' : whole }
  return prefix === undefined ? {} : { prefix: prefix === '' ? '/' : prefix }
}

function readCors(from: Part): Written {
  const list = (name: string): Written => {
    const values = items(from, name).map(({ value }) => String(value))
    const key = { allowOrigins: 'origins', allowMethods: 'methods', allowHeaders: 'headers' }[name]!
    return values.length === 0 || values.includes('*') ? {} : { [key]: values }
  }
  const maxAge = textAt(from, 'maxAge')
  return {
    cors: {
      ...list('allowOrigins'),
      ...list('allowMethods'),
      ...list('allowHeaders'),
      ...(from.at('allowCredentials').value === true ? { credentials: true } : {}),
      ...(maxAge === undefined ? {} : { maxAge: `${maxAge}s` }),
    },
  }
}

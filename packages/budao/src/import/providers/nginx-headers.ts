import { wordIn } from '@budao/model'
import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import type { Scope } from './nginx-scope.ts'
import { textOf } from './nginx-upstream.ts'
import { substitute } from './nginx-values.ts'

/** What the gateway sends of itself, and with which values nginx is told to send the same. */
const ownHeaders: Readonly<Record<string, RegExp>> = {
  'x-forwarded-for': /^\$(proxy_add_x_forwarded_for|remote_addr)$/,
  'x-forwarded-proto': /^\$(scheme|http_x_forwarded_proto)$/,
  'x-forwarded-host': /^\$(host|http_host)$/,
  'x-request-id': /^\$(request_id|http_x_request_id)$/,
  connection: /^(|keep-alive|close|[Uu]pgrade|\$\w+)$/,
  upgrade: /^\$http_upgrade$/,
  'content-length': /.*/,
  'transfer-encoding': /.*/,
  te: /.*/,
}

/** Statuses `add_header` is for without `always`. */
const addHeaderReason = 'is added to every answer, whatever its status'

/** What a location says of headers: filters, and the Host that endpoints get. */
export interface HeaderRules {
  readonly filter: Written | undefined
  /** Undefined: the client's. */
  readonly host: string | undefined
}

/** `authority` is what `proxy_pass` names: the Host where nothing else is said. */
export function readHeaders(scope: Scope, authority: string, notes: Notes): HeaderRules {
  const variables = scope.variables()
  const set: Record<string, string> = {}
  const remove: string[] = []
  let host: string | undefined = authority
  for (const directive of scope.all('proxy_set_header')) {
    const [name = '', written = ''] = directive.args
    const value = substitute(written, variables)
    const lower = name.toLowerCase()
    const text = textOf(directive)
    if (lower === 'host') {
      if (/^\$(host|http_host)$|^\$host:\$server_port$/.test(value)) host = undefined
      else if (value === '$proxy_host') host = authority
      else if (!value.includes('$')) host = value
      else notes.add('lost', directive, text, 'endpoints get the Host that proxy_pass names')
    } else if (wordIn(ownHeaders, lower)?.test(value) || value === `$http_${lower.replaceAll('-', '_')}`) {
      notes.add('default', directive, text, 'Budao sends it anyway')
    } else if (value === '') remove.push(name)
    else if (value.includes('$')) notes.add('lost', directive, text, 'headers are set to fixed texts only')
    else set[name] = value
  }
  const response = readAnswerHeaders(scope, notes)
  const request = {
    ...(Object.keys(set).length === 0 ? {} : { set }),
    ...(remove.length === 0 ? {} : { remove }),
  }
  const filter = {
    ...(Object.keys(request).length === 0 ? {} : { request }),
    ...(response === undefined ? {} : { response }),
  }
  return { filter: Object.keys(filter).length === 0 ? undefined : { headers: filter }, host }
}

/** `add_header` and `proxy_hide_header`; undefined where there are none. */
export function readAnswerHeaders(scope: Scope, notes: Notes): Written | undefined {
  const variables = scope.variables()
  const add: Record<string, string> = {}
  for (const directive of scope.all('add_header')) {
    const [name = '', written = '', when] = directive.args
    const value = substitute(written, variables)
    const text = textOf(directive)
    if (value === '') continue
    if (value.includes('$')) notes.add('lost', directive, text, 'headers are set to fixed texts only')
    else if (name in add) notes.add('lost', directive, text, 'one line of a name can be added')
    else add[name] = value
    if (when !== 'always' && name in add) notes.add('changed', directive, text, addHeaderReason)
  }
  const remove = scope.all('proxy_hide_header').flatMap(({ args }) => args.slice(0, 1))
  scope.all('proxy_pass_header')
  if (Object.keys(add).length === 0 && remove.length === 0) return undefined
  return { ...(Object.keys(add).length === 0 ? {} : { add }), ...(remove.length === 0 ? {} : { remove }) }
}

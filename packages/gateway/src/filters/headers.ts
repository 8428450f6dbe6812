import type { HeaderEdit, HeadersConfig } from '@budao/model'
import { wireBytes } from '../exchange/request-values.ts'
import type { Filter, FilterRequest, FilterResponse } from './filter.ts'

/** Belong to one connection or say where a message ends; what they say is the gateway's to know. */
const untouchable: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Removes, sets and adds headers, first on the way to the service, then on the way to the client. */
export class HeadersFilter implements Filter {
  readonly name = 'headers'
  readonly #request: Edit
  readonly #response: Edit

  /** Throws a RangeError that names the header which cannot be edited or set to that value. */
  constructor(config: HeadersConfig) {
    this.#request = checkedEdit('request', config.request)
    this.#response = checkedEdit('response', config.response)
  }

  onRequest(request: FilterRequest): undefined {
    apply(this.#request, request)
  }

  onResponse(_request: FilterRequest, response: FilterResponse): void {
    apply(this.#response, response)
  }
}

interface Edit {
  readonly remove: readonly string[]
  readonly set: Lines
  readonly add: Lines
}

type Lines = readonly (readonly [name: string, value: string])[]

function apply(edit: Edit, head: Pick<FilterResponse, 'setHeader' | 'addHeader' | 'removeHeader'>): void {
  for (const name of edit.remove) head.removeHeader(name)
  for (const [name, value] of edit.set) head.setHeader(name, value)
  for (const [name, value] of edit.add) head.addHeader(name, value)
}

function checkedEdit(way: string, edit: HeaderEdit): Edit {
  // Written in UTF-8 in the configuration, the value is that on the wire too, where a character is a byte.
  const onWire = ([name, value]: [string, string]) => [name, wireBytes(value)] as const
  const set = Object.entries(edit.set).map(onWire)
  const add = Object.entries(edit.add).map(onWire)
  for (const name of [...edit.remove, ...[...set, ...add].map(([each]) => each)]) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      throw new RangeError(`filter headers, ${way}: expected a header name, got ${JSON.stringify(name)}`)
    }
    if (untouchable.has(name.toLowerCase())) {
      throw new RangeError(
        `filter headers, ${way}: ${name} is kept by the gateway itself and cannot be edited`,
      )
    }
  }
  for (const [name, value] of [...set, ...add]) {
    // oxlint-disable-next-line no-control-regex
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new RangeError(`filter headers, ${way}: the value of ${name} holds a control character`)
    }
  }
  return { remove: edit.remove, set, add }
}

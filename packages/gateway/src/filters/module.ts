import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { JsonValue, ModuleConfig } from '@budao/model'
import type { Filter, FilterEnv, Reply } from './filter.ts'

/** A filter that may leave out its name. */
export type UnnamedFilter = Omit<Filter, 'name'> & { readonly name?: string }

/**
 * What a filter module exports by default: a filter, or a function that makes one from the `options` of the
 * configuration, once for each route that uses it, in each worker, at each reload.
 */
export type FilterDefinition<Options = JsonValue | undefined> =
  | UnnamedFilter
  | ((options: Options, env: FilterEnv) => UnnamedFilter | Promise<UnnamedFilter>)

/** Gives the default export of a filter module its type. A filter without a name is called as its file. */
export function defineFilter<Options = JsonValue | undefined>(
  definition: FilterDefinition<Options>,
): FilterDefinition<Options> {
  return definition
}

/**
 * Loads a filter of the user's own. Rejects with the file and what is wrong with it: missing, failing while it is
 * loaded, no default export, or one that is no filter.
 *
 * A changed file is loaded afresh, an unchanged one is shared, and so are the modules it imports itself: those are
 * read once in the life of the process. Node never forgets a module, so each changed version stays in memory.
 */
export async function createModuleFilter(config: ModuleConfig, env: FilterEnv): Promise<Filter> {
  const path = resolve(env.baseDir, config.path)
  const exported = await importFresh(path)
  if (exported === undefined) throw new Error(`filter module ${path}: expected a default export, got none`)
  let made: unknown = exported
  if (typeof exported === 'function') {
    try {
      made = await (exported as (options: unknown, env: FilterEnv) => unknown)(config.options, env)
    } catch (cause) {
      throw new Error(`filter module ${path}: its function failed: ${text(cause)}`, { cause })
    }
  }
  return checkedFilter(path, made)
}

/** Tells a load that failed from the next one: Node keeps failures as it keeps modules. */
let failures = 0

async function importFresh(path: string): Promise<unknown> {
  let source: Buffer
  try {
    source = await readFile(path)
  } catch (cause) {
    throw new Error(`filter module ${path}: cannot be read: ${text(cause)}`, { cause })
  }
  const url = pathToFileURL(path)
  url.search = `v=${createHash('sha256').update(source).digest('hex').slice(0, 16)}-${failures}`
  try {
    return ((await import(url.href)) as { readonly default?: unknown }).default
  } catch (cause) {
    failures++
    throw new Error(`filter module ${path}: failed while it was loaded: ${text(cause)}`, { cause })
  }
}

const hooks = ['onRequest', 'onResponse', 'onEnd', 'close'] as const

function checkedFilter(path: string, made: unknown): Filter {
  if (typeof made !== 'object' || made === null) {
    throw new Error(`filter module ${path}: expected a filter, an object with hooks, got ${describe(made)}`)
  }
  const filter = made as Filter & { readonly name?: unknown }
  for (const hook of hooks) {
    if (filter[hook] !== undefined && typeof filter[hook] !== 'function') {
      throw new Error(
        `filter module ${path}: expected ${hook} to be a function, got ${describe(filter[hook])}`,
      )
    }
  }
  if (hooks.every((hook) => filter[hook] === undefined)) {
    throw new Error(`filter module ${path}: expected one of ${hooks.join(', ')}, got none`)
  }
  const name = typeof filter.name === 'string' && filter.name !== '' ? filter.name : basename(path)
  // Hooks keep their object as `this`; those that are absent stay absent, so that they cost nothing.
  return {
    name,
    ...(filter.onRequest && { onRequest: (request) => checkedAnswer(path, filter.onRequest!(request)) }),
    ...(filter.onResponse && { onResponse: (request, response) => filter.onResponse!(request, response) }),
    ...(filter.onEnd && { onEnd: (request, record) => filter.onEnd!(request, record) }),
    ...(filter.close && { close: () => filter.close!() }),
  } satisfies Filter
}

function checkedAnswer(path: string, answer: unknown): Reply | undefined | Promise<Reply | undefined> {
  if (answer === undefined) return undefined
  if (answer instanceof Promise) return answer.then((settled) => checkedReply(path, settled))
  return checkedReply(path, answer)
}

/** A reply goes to the wire as it is: a line end in a header would forge an answer. */
function checkedReply(path: string, reply: unknown): Reply | undefined {
  if (reply === undefined) return undefined
  const { status, headers, body } = (
    typeof reply === 'object' && reply !== null ? reply : {}
  ) as Partial<Reply>
  if (!Number.isInteger(status) || status! < 200 || status! > 599) {
    throw new TypeError(
      `filter module ${path}: expected a reply with a status from 200 to 599, got ${describe(status)}`,
    )
  }
  if (typeof body !== 'string') {
    throw new TypeError(`filter module ${path}: expected a reply with a text as body, got ${describe(body)}`)
  }
  if (!Array.isArray(headers) || !headers.every(isHeader)) {
    throw new TypeError(`filter module ${path}: expected a reply with headers as a list of [name, value]`)
  }
  return reply as Reply
}

function isHeader(header: unknown): boolean {
  if (!Array.isArray(header) || header.length !== 2) return false
  const [name, value] = header as unknown[]
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || framing.test(name)) return false
  // oxlint-disable-next-line no-control-regex
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}

const framing = /^(?:content-length|transfer-encoding|connection)$/i

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value === 'number' ? String(value) : typeof value
}

function text(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

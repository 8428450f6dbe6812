import type { Fragment, ImportOptions } from '../imported.ts'
import { Names } from '../names.ts'
import type { Notes } from '../notes.ts'
import { placeholderAddress } from '../written-config.ts'
import { type Part, textAt } from './manifest-part.ts'

/** The services that backend references name, each once. */
export class BackendServices {
  readonly #options: ImportOptions
  readonly #notes: Notes
  readonly #names: Names = new Names()
  readonly #made: Map<string, string> = new Map()
  readonly #services: Fragment['services'] = {}

  constructor(options: ImportOptions, notes: Notes) {
    this.#options = options
    this.#notes = notes
  }

  /** The name of the service behind a reference; undefined, and told, when it is no Service. */
  use(reference: Part, namespace: string | undefined): string | undefined {
    const kind = textAt(reference, 'kind') ?? 'Service'
    const name = textAt(reference, 'name') ?? ''
    const port = textAt(reference, 'port')
    const space = textAt(reference, 'namespace') ?? namespace
    if (kind !== 'Service' || name === '') {
      this.#notes.add(
        'lost',
        reference.place(),
        `${kind} ${name}`,
        'only backends of the kind Service are carried over',
      )
      return undefined
    }
    const key = `${space ?? ''}/${name}:${port ?? ''}`
    const made = this.#made.get(key)
    if (made !== undefined) return made
    const claimed = this.#names.claim(port === undefined ? name : `${name}-${port}`)
    this.#made.set(key, claimed)
    const addresses = this.#addresses(name, port, space)
    if (addresses === undefined && this.#options.configured?.has(claimed) !== true) {
      const reason = `no address is known: say ${name}${port === undefined ? '' : `:${port}`} in --endpoints; a placeholder stands there`
      this.#notes.add('lost', reference.place(), `service ${name}`, reason)
    }
    this.#services[claimed] = {
      endpoints: (addresses ?? [placeholderAddress]).map((address) => ({
        address,
        site: this.#options.site,
      })),
    }
    return claimed
  }

  list(): Fragment['services'] {
    return this.#services
  }

  #addresses(
    name: string,
    port: string | undefined,
    space: string | undefined,
  ): readonly string[] | undefined {
    const { endpoints } = this.#options
    const names = [`${name}:${port}`, name]
    const keys = space === undefined ? names : [...names.map((each) => `${space}/${each}`), ...names]
    return keys.map((key) => endpoints[key]).find((addresses) => addresses !== undefined)
  }
}

import { type ParsedConfig, parseConfig } from '@budao/model/parser'
import { importFile } from './import-file.ts'
import { ImportError, type Note, type Written } from './imported.ts'
import { addFragment } from './merge.ts'
import { parseSource } from './source.ts'

/** A configuration with what the files beside it add, and what those could not say. */
export interface ParsedBeside {
  readonly parsed: ParsedConfig
  readonly notes: readonly Note[]
}

/** Reads a configuration together with files of other programs, each as `FILE` or `KIND:FILE`. */
export function parseBeside(text: string, name: string, sources: readonly string[]): ParsedBeside {
  const notes: Note[] = []
  const failures: string[] = []
  const parsed = parseConfig(text, name, (value) => {
    let config = value as Written
    const site = ofNode(config, 'site') ?? 'main'
    const node = ofNode(config, 'name') ?? 'gw-1'
    const configured = withEndpoints(config)
    for (const source of sources) {
      try {
        const imported = importFile(parseSource(source), { site, node, configured, endpoints: {} })
        notes.push(...imported.notes)
        config = addFragment(config, imported.fragment)
      } catch (error) {
        if (!(error instanceof ImportError)) throw error
        failures.push(error.message)
      }
    }
    return config
  })
  if (failures.length === 0) return { parsed, notes }
  const problems = failures.map((message) => ({ file: name, line: 1, column: 1, path: '-f', message }))
  return { parsed: { ok: false, problems: [...problems, ...(parsed.ok ? [] : parsed.problems)] }, notes }
}

/** Names of the services that say where they are. */
function withEndpoints({ services }: Written): ReadonlySet<string> {
  if (typeof services !== 'object' || services === null) return new Set()
  const named = Object.entries(services as Record<string, Written | null>)
  return new Set(named.flatMap(([name, service]) => (service?.['endpoints'] === undefined ? [] : [name])))
}

function ofNode({ node }: Written, key: 'site' | 'name'): string | undefined {
  const value = typeof node === 'object' && node !== null ? (node as Written)[key] : undefined
  return typeof value === 'string' ? value : undefined
}

import type { Property } from './properties.ts'
import { YamlSource } from './yaml-source.ts'

/** A YAML file as properties: keys joined by dots, whether they are nested or written with dots themselves. */
export function yamlProperties(text: string, file: string): Property[] {
  return YamlSource.parse(text, file).flatMap((source) => [...flatten(source, source.value, [])])
}

function* flatten(
  source: YamlSource,
  value: unknown,
  path: readonly (string | number)[],
): Generator<Property> {
  if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) yield* flatten(source, inner, [...path, key])
  } else if (value !== undefined && value !== null) {
    // Keys with special characters may stand in brackets: "[Shop#pay()]".
    const key = path.map((step) => String(step).replace(/^\[(.*)\]$/, '$1')).join('.')
    yield { key, value: String(value as string | number | boolean), line: source.line(path) }
  }
}

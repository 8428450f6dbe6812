import { z } from 'zod'
import { writtenConfigSchema } from './config-schema.ts'

/** The parts of JSON Schema that the configuration's schema uses. */
export interface JsonSchema {
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** The JSON Schema (2020-12) of the file people write, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return {
    title: 'Budao configuration',
    ...z.toJSONSchema(writtenConfigSchema, { io: 'input' }),
  }
}

/**
 * Every key of the configuration as a path: `services.<name>.endpoints[].site`. `<name>` is a key people choose,
 * `[]` any item of a list. In the order of the schema.
 */
export function configKeys(): string[] {
  return [...keysBelow('', configJsonSchema())]
}

let writtenShape: JsonSchema | undefined

/** The keys an object at this path may have; empty where people choose them. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  writtenShape ??= configJsonSchema()
  let schemas: readonly JsonSchema[] = [writtenShape]
  for (const step of path) schemas = schemas.flatMap((schema) => below(schema, step))
  return schemas.flatMap(alternatives).flatMap((schema) => Object.keys(schema.properties ?? {}))
}

function* keysBelow(prefix: string, from: JsonSchema): Generator<string> {
  for (const schema of alternatives(from)) {
    for (const [key, child] of Object.entries(schema.properties ?? {})) {
      const path = prefix === '' ? key : `${prefix}.${key}`
      yield path
      yield* keysBelow(path, child)
    }
    // Maps of plain values, such as headers, have keys but no key of ours below them.
    if (typeof schema.additionalProperties === 'object')
      yield* keysBelow(`${prefix}.<name>`, schema.additionalProperties)
    if (schema.items !== undefined) yield* keysBelow(`${prefix}[]`, schema.items)
  }
}

function below(from: JsonSchema, step: PropertyKey): JsonSchema[] {
  return alternatives(from).flatMap((schema) => {
    if (typeof step === 'number') return schema.items ?? []
    const named = schema.properties?.[String(step)]
    if (named !== undefined) return named
    return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : []
  })
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(alternatives)
}

/** JSON Schema, as far as it is used here. */
export type Schema = { readonly [key: string]: unknown }

export const string: Schema = { type: 'string' }
export const boolean: Schema = { type: 'boolean' }
export const number: Schema = { type: 'number', minimum: 0 }
export const count: Schema = { type: 'integer', minimum: 0 }
export const instant: Schema = { type: 'string', description: 'ISO 8601 in UTC.' }
/** What a person writes. */
export const sentence: Schema = { type: 'string', minLength: 1, maxLength: 500 }
export const flat: Schema = { anyOf: [string, { type: 'number' }, boolean, { type: 'null' }] }

export function milliseconds(description: string): Schema {
  return { type: 'number', minimum: 0, description }
}

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

export function object(required: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  }
}

export function list(items: Schema): Schema {
  return { type: 'array', items }
}

export function choice(...values: readonly string[]): Schema {
  return { type: 'string', enum: values }
}

export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] }
}

import type { ApiErrorCode } from './api-error.ts'
import { ref } from './openapi-shapes.ts'
import type { Schema } from './openapi-shapes.ts'

/** One operation of a path. */
export interface Operation {
  readonly summary: string
  readonly operationId: string
  readonly security: readonly object[]
  readonly parameters?: readonly object[]
  readonly requestBody?: object
  readonly responses: { readonly [status: string]: object }
}

type Responses = Operation['responses']

export const open: readonly object[] = []

/** Reading needs the viewer’s token, changing the operator’s; on loopback without tokens none is needed. */
export const viewer: readonly object[] = [{ viewer: [] }, { operator: [] }, {}]
export const operator: readonly object[] = [{ operator: [] }, {}]

/** How reading is refused. */
export const reading: Responses = {
  '400': error('bad-parameter'),
  '401': error('token-required', 'token-refused'),
  '403': error('host-refused'),
  '504': error('source-timeout'),
}

/** How changing is refused. */
export const changing: Responses = {
  '400': error('bad-json', 'bad-parameter'),
  '401': error('token-required', 'token-refused'),
  '403': error('operator-required', 'host-refused', 'origin-refused'),
  '413': error('body-too-large'),
  '415': error('json-required'),
  '504': error('source-timeout'),
}

export function get(
  operationId: string,
  summary: string,
  security: readonly object[],
  success: object,
  failures: { readonly [status: string]: object } = {},
  parameters: readonly object[] = [],
): Operation {
  const refusals = security === open ? {} : reading
  return {
    summary,
    operationId,
    security,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { '200': success, ...refusals, ...failures },
  }
}

export function json(name: string): object {
  return { description: `${name}.`, content: { 'application/json': { schema: ref(name) } } }
}

/** What has to be sent. */
export function body(name: string): object {
  return { required: true, content: { 'application/json': { schema: ref(name) } } }
}

export function text(type: string): object {
  return { description: 'Text.', content: { [type]: { schema: { type: 'string' } } } }
}

export function error(...codes: readonly ApiErrorCode[]): object {
  return { description: codes.join(', '), content: { 'application/json': { schema: ref('Error') } } }
}

export function parameter(
  name: string,
  where: 'query' | 'path' | 'header',
  description: string,
  schema: Schema,
): object {
  return { name, in: where, description, schema, ...(where === 'path' ? { required: true } : {}) }
}

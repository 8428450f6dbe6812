import { Ajv2020 } from 'ajv/dist/2020.js'
import { openapi } from '../src/openapi.ts'

const ajv = new Ajv2020({ strict: true })
ajv.addVocabulary(Object.keys(openapi))
ajv.addSchema(openapi, 'api')

/** Whether a value is what the API's description says of a schema. Throws when there is none of this name. */
export function fitsDescription(schema: string, value: unknown): boolean {
  return ajv.validate({ $ref: `api#/components/schemas/${schema}` }, value)
}

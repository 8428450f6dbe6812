import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { ImportError } from './imported.ts'

/** Reads a file that says where services are: `shop: [10.0.0.1:8080, 10.0.0.2:8080]`. Throws an ImportError. */
export function readEndpoints(file: string): Record<string, readonly string[]> {
  let value: unknown
  try {
    value = parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ImportError(`cannot read ${file}: ${(error as Error).message.split('\n', 1)[0]}`, {
      cause: error,
    })
  }
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  for (const [name, addresses] of entries) {
    const fine = Array.isArray(addresses) && addresses.every((each) => typeof each === 'string')
    if (!fine) throw new ImportError(`${file}: ${name}: expected a list of addresses such as 10.0.0.1:8080`)
  }
  if (entries.length === 0)
    throw new ImportError(`${file}: expected services with their addresses, such as shop: ["10.0.0.1:8080"]`)
  return Object.fromEntries(entries) as Record<string, readonly string[]>
}

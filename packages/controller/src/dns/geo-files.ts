import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Reader, Response } from 'mmdb-lib'
import { ControllerError } from '../controller-error.ts'
import { continentOf } from './continents.ts'

/** Where an address is, as far as the files know. */
export interface GeoFacts {
  readonly country: string | null
  /** Country and subdivision: `CN-GD`. */
  readonly region: string | null
  readonly continent: string | null
  readonly asn: number | null
  /** Within a prefix of so many bits the files say the same. */
  readonly bits: number
}

/** Fields of the usual files: nested as MaxMind's, flat as those of ip-location-db. */
interface GeoRecord {
  readonly country?: { readonly iso_code?: string }
  readonly country_code?: string
  readonly continent?: { readonly code?: string }
  readonly subdivisions?: readonly { readonly iso_code?: string }[]
  readonly autonomous_system_number?: number
}

/** MMDB files, asked one after the other: of each fact the first that knows it counts. */
export class GeoFiles {
  readonly #readers: readonly Reader<Response>[]

  /** Reads the files. Throws ControllerError for one that is none. */
  static async open(paths: readonly string[]): Promise<GeoFiles> {
    const { Reader } = await import('mmdb-lib')
    const readers = await Promise.all(
      paths.map(async (path) => {
        try {
          return new Reader<Response>(await readFile(path))
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error)
          throw new ControllerError(
            'GSLB_GEO_FILE',
            `gslb.geo: ${basename(path)} cannot be read as an MMDB file: ${reason}`,
            'Give a file in the format of MaxMind DB, or take it out of gslb.geo.',
            { cause: error },
          )
        }
      }),
    )
    return new GeoFiles(readers)
  }

  private constructor(readers: readonly Reader<Response>[]) {
    this.#readers = readers
  }

  find(address: string): GeoFacts {
    let [country, region, continent, asn]: [string | null, string | null, string | null, number | null] = [
      null,
      null,
      null,
      null,
    ]
    let bits = 0
    for (const reader of this.#readers) {
      // A file of IPv4 alone knows nothing of IPv6.
      if (reader.metadata.ipVersion === 4 && address.includes(':')) continue
      const [found, length] = lookUp(reader, address)
      bits = Math.max(bits, length)
      if (found === null) continue
      const record = found as GeoRecord
      country ??= record.country?.iso_code ?? record.country_code ?? null
      const part = record.subdivisions?.[0]?.iso_code
      if (part !== undefined && country !== null) region ??= part.includes('-') ? part : `${country}-${part}`
      continent ??= record.continent?.code ?? null
      asn ??= record.autonomous_system_number ?? null
    }
    return { country, region, continent: continent ?? continentOf(country), asn, bits }
  }
}

/** A file that is damaged within knows nothing: it must not keep names from being answered. */
function lookUp(reader: Reader<Response>, address: string): [found: Response | null, bits: number] {
  try {
    return reader.getWithPrefixLength(address)
  } catch {
    return [null, 0]
  }
}

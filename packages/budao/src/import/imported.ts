/** A part of a configuration as people write it: what an imported file says, ready for YAML. */
export interface Fragment {
  /** The first is where endpoints are. */
  sites: string[]
  listeners: WrittenListener[]
  services: Record<string, WrittenService>
  /** An address that several gateways share. */
  virtualIp?: Written
  /** What holds for every service that does not say otherwise, those of the configuration itself too. */
  serviceDefaults?: Written
  routes: WrittenRoute[]
}

/** Any values of the written format; the parser of the configuration checks them. */
export type Written = Record<string, unknown>

export interface WrittenListener extends Written {
  name: string
  address: string
  protocol: 'http' | 'https' | 'tcp'
}

export interface WrittenService extends Written {
  endpoints: WrittenEndpoint[]
}

export interface WrittenEndpoint extends Written {
  address: string
  site: string
}

export interface WrittenRoute extends Written {
  name: string
}

/** Something of the file that the configuration does not say, or not quite. */
export interface Note {
  readonly file: string
  readonly line: number
  /** What stands there, in one line. */
  readonly text: string
  readonly kind: NoteKind
  /** One sentence: why, or what is different. */
  readonly reason: string
}

/**
 * lost     it is not carried over: the gateway will behave differently
 * changed  it is carried over, and differs in what the reason says
 * default  it says what Budao does anyway, or what has no meaning here; nothing is lost
 * warning  it is carried over as it is, and does not do what one may think, there as here
 */
export type NoteKind = 'lost' | 'changed' | 'default' | 'warning'

/** What became of a file. */
export interface Imported {
  readonly fragment: Fragment
  readonly notes: readonly Note[]
}

/** What a file does not say and the configuration needs. */
export interface ImportOptions {
  /** The name the file is reported with. */
  readonly file: string
  /** Site of every endpoint, as the file knows no sites. */
  readonly site: string
  /** Name of this node, where a file tells nodes apart by addresses only. Absent: `gw-1`. */
  readonly node?: string
  /** Service → addresses, for kinds that name services by a registry's names. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>
  /** Services whose endpoints stand in the configuration beside which it is read. */
  readonly configured?: ReadonlySet<string>
  /** Files that a pattern of the file names, relative to its folder, in order of their names; each with its text. */
  include(pattern: string): readonly IncludedFile[]
}

export interface IncludedFile {
  readonly name: string
  readonly text: string
}

/** The file cannot be read as what it should be: nothing is imported. */
export class ImportError extends Error {
  override readonly name = 'ImportError'
}

/** A format that can be imported. */
export interface ImportKind {
  readonly name: string
  readonly title: string
  /** Whether a text looks like this kind. */
  detects(text: string, file: string): boolean
  read(text: string, options: ImportOptions): Imported
}

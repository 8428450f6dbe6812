import type { LogAttributes } from '@budao/model'

/** What all records of one source share: it stands once in a segment, and its lines refer to it by number. */
export interface LogOrigin {
  /** Of what wrote it, such as `service.name`. */
  readonly resource: LogAttributes
  /** The same in each of its records, such as `log.file.path`. */
  readonly attributes: LogAttributes
}

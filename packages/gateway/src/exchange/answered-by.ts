/** Who answered, as the access log says it. */
export type AnsweredBy =
  | 'upstream'
  | 'filter'
  | 'route'
  | 'cache'
  | 'idempotency'
  | 'aggregate'
  | 'fallback-json'
  | 'fallback-stale'
  | 'fallback-service'
  | 'gateway'
  | 'aborted'

import { AuthenticationError } from '@platformatic/kafka'

/** What is wrong in the end: the client wraps it in what it was doing, several times over. */
export function kafkaProblem(error: unknown): string {
  return [...new Set(reasons(error))].join('; ')
}

function* reasons(error: unknown): Generator<string> {
  if (error instanceof AggregateError && error.errors.length > 0)
    for (const each of error.errors) yield* reasons(each)
  else if (!(error instanceof Error)) yield String(error)
  else if (error instanceof AuthenticationError || error.cause === undefined) yield error.message
  else yield* reasons(error.cause)
}

import { errorCodes, type ErrorCode } from '../errors.ts'
import { errorReply } from '../exchange/reply.ts'
import type { Reply } from '../filters/filter.ts'

/** 400: `problem` says what was expected and where. */
export function badBody(problem: string): Reply {
  return errorReply(errorCodes.bad_body.status, 'bad_body', `${errorCodes.bad_body.message} ${problem}.`)
}

/** The answer for a code, perhaps with the seconds after which trying again makes sense. */
export function codeReply(code: ErrorCode, retryAfter?: number): Reply {
  const { status, message } = errorCodes[code]
  return errorReply(
    status,
    code,
    message,
    retryAfter === undefined ? [] : [['Retry-After', String(retryAfter)]],
    retryAfter === undefined ? {} : { retryAfter },
  )
}

/**
 * Whether a request with that method needs the right to write: all but those that HTTP calls safe (RFC 9110 §9.2.1). Of these TRACE
 * never comes so far: it is refused with the head of the request.
 */
export function isWrite(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
}

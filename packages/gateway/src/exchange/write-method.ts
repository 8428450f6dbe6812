/**
 * Whether a request with that method needs the right to write: all but GET, HEAD and OPTIONS. TRACE is safe too (RFC 9110 §9.2.1), and
 * no read of anything; what is unknown may change something.
 */
export function isWrite(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
}

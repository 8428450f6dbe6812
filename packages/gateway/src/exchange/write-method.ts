/** Whether a request with that method may change something: all but those that HTTP calls safe (RFC 9110 §9.2.1). */
export function isWrite(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
}

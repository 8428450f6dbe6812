type Tls = typeof import('node:tls')
type Crypto = typeof import('node:crypto')

// A plain import touches every export and loads what stands behind it: 6 MB for TLS, in every thread.

/** Node's TLS, loaded where somebody wants it. */
export function nodeTls(): Tls {
  return process.getBuiltinModule('node:tls')
}

/** Node's cryptography, loaded where somebody wants it. */
export function nodeCrypto(): Crypto {
  return process.getBuiltinModule('node:crypto')
}

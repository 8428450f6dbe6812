const compressed = /\.(?:gz|bz2|xz|zst|lz4|zip|Z)$/
const generation = /^(?:\d[\d._T:-]*|old|bak|prev)$/

/**
 * Whether a file’s name is what a rotation makes of another’s: `app.log.1`, `app.log-20261127`, `app-2026-11-27.log`,
 * `app.1.log`, `app.log.old`. Compressed ones are not read again.
 */
export function isRotationOf(name: string, of: string): boolean {
  if (name === of || compressed.test(name)) return false
  if (name.startsWith(of)) return isGeneration(name.slice(of.length))
  const dot = of.lastIndexOf('.')
  if (dot <= 0) return false
  const extension = of.slice(dot)
  if (!name.startsWith(of.slice(0, dot)) || !name.endsWith(extension)) return false
  return isGeneration(name.slice(dot, name.length - extension.length))
}

/** Whether a name is that of a compressed file. */
export function isCompressed(name: string): boolean {
  return compressed.test(name)
}

function isGeneration(suffix: string): boolean {
  return /^[._-]/.test(suffix) && generation.test(suffix.slice(1))
}

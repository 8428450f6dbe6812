const item = 'budao-name'

/** Who changed something on this page last, so that nobody writes a name twice; empty: nobody has. */
export function knownName(): string {
  return localStorage.getItem(item) ?? ''
}

export function rememberName(name: string): void {
  localStorage.setItem(item, name)
}

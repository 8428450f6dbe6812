/** Names of one rank together: whole ones, each `*.` name, or all. */
export function rankedHosts(hostnames: readonly string[]): (readonly string[])[] {
  if (hostnames.length === 0) return [['*']]
  const whole = hostnames.filter((name) => !name.startsWith('*'))
  const wild = hostnames.filter((name) => name.startsWith('*'))
  return [...(whole.length === 0 ? [] : [whole]), ...wild.map((name) => [name])]
}

/** More for a whole name than for a long `*.` name, for that than for a short one; 0 for all names. */
export function hostRank(host: string): number {
  if (host === '*') return 0
  return host.startsWith('*') ? host.length : 1_000
}

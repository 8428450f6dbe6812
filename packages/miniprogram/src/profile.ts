/** What a platform says of one request's stages, as far as it does. */
interface Native {
  readonly profile?: Readonly<Record<string, number | string | boolean>>
  readonly exception?: { readonly retryCount?: number }
}

/** Stages of the last attempt, milliseconds; undefined where the platform tells of none. */
export function profileOf(native: unknown): Readonly<Record<string, unknown>> | undefined {
  const { profile, exception } = (native ?? {}) as Native
  if (profile === undefined) return undefined
  const between = (from: string, to: string): number | undefined => {
    const ms = Math.round((profile[to] as number) - (profile[from] as number))
    return ms >= 0 ? ms : undefined
  }
  return {
    dns: between('domainLookUpStart', 'domainLookUpEnd'),
    connect: between('connectStart', 'connectEnd'),
    tls: between('SSLconnectionStart', 'SSLconnectionEnd'),
    ttfb: between('requestStart', 'responseStart'),
    reused: profile['socketReused'],
    protocol: profile['protocol'],
    nativeRetries: exception?.retryCount,
  }
}

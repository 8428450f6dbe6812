import type { Config } from '@budao/model'

/** The configuration without what would let a reader act as somebody else. */
export function redactSecrets(config: Config): unknown {
  const { tokens } = config.admin
  if (tokens === undefined) return config
  const hidden = Object.fromEntries(Object.keys(tokens).map((role) => [role, '(hidden)']))
  return { ...config, admin: { ...config.admin, tokens: hidden } }
}

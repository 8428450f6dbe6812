/** One `match` of the configuration. */
export type PathMatch = { readonly exact: string } | { readonly prefix: string } | { readonly regex: string }

/** The text as a regular expression that matches exactly it. */
export function escapeRegex(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
}

/** A prefix that is any text, as a route says it, whose prefixes are whole segments: `/api` takes `/apix` too. */
export function prefixPaths(path: string): PathMatch[] {
  if (path.endsWith('/')) return [{ prefix: path }]
  return [{ prefix: path }, { regex: `${escapeRegex(path)}[^/].*` }]
}

/** What the page can show. */
export const pages = ['overview', 'releases', 'alerts', 'logs'] as const

export type PageName = (typeof pages)[number]

/** Which page is shown, and what of it: kept in the address, so that it can be sent to somebody and the way back works. */
export interface PageRoute {
  readonly page: PageName
  readonly query: Readonly<Record<string, string>>
}

/** Reads the part of the address behind `#`: `#/logs?filter=…`. Anything else is the overview. */
export function readRoute(hash: string): PageRoute {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s)
  const page = pages.find((name) => name === path) ?? 'overview'
  return { page, query: Object.fromEntries(new URLSearchParams(query)) }
}

/** The address of a page; what is empty is left out. */
export function routeTo(page: PageName, query: PageRoute['query'] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== '')
  const text = new URLSearchParams(given).toString()
  return `#/${page === 'overview' ? '' : page}${text === '' ? '' : `?${text}`}`
}

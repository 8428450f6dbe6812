import type { Layout } from './layout.ts'
import type { PhonesCounts } from './phones.ts'

export interface LiveState {
  readonly elapsedMs: number
  readonly phones: number
  readonly counts: PhonesCounts
  readonly perSecond: number
  /** Processes by site: those that run, of all. */
  readonly running: readonly { readonly site: string; readonly up: number; readonly all: number }[]
}

/** What to try, at most 80 columns wide. `configs` are the gateways' configuration files as a person would write them. */
export function welcome(
  layout: Layout,
  configs: readonly string[],
  pidFile: string,
  { readyMs, phones, restartAfterMs }: { readyMs: number; phones: number; restartAfterMs: number },
): string {
  const [east, west] = layout.gateways
  const url = `http://127.0.0.1:${east!.port}`
  return [
    `Budao demo: one shop at two sites, a gateway at each. Ready after ${(readyMs / 1000).toFixed(1)} s.`,
    '',
    ...layout.gateways.map(({ site, port }) => {
      const shops = layout.shops.filter((shop) => shop.site === site).map((shop) => shop.port)
      return `  ${site}     http://127.0.0.1:${port}   in front of shops on ports ${shops.join(' and ')}`
    }),
    `  console  http://127.0.0.1:${east!.adminPort} (east), http://127.0.0.1:${west!.adminPort} (west)`,
    `  shop     http://127.0.0.1:${layout.miniProgram.port}   the mini program, in a browser`,
    `  alerts   http://127.0.0.1:${layout.inbox.port}   a mailbox and a robot that are told`,
    '',
    'Try in another terminal:',
    `  curl -i '${url}/api/products?category=tea'`,
    `  curl -X PUT -H 'X-User: me' -d '{"items":[{"productId":1,"quantity":2}]}' \\`,
    `    ${url}/api/cart`,
    `  npm run budao -- status -c ${configs[0]}`,
    'Lose a site: measured under load, or just so:',
    `  npm run drill -- site-loss --site east -c ${configs[0]}`,
    `  kill -9 $(cut -d' ' -f1 ${pidFile})`,
    'Fail 120 payments, and see one message of it (or by a button of the page above):',
    `  curl -X POST http://127.0.0.1:${layout.shops[0]!.port}/demo/errors`,
    'Release a bad version and see it go back (or by the same page, or the console):',
    `  curl -d errors http://127.0.0.1:${layout.release.port}/demo/release`,
    `  npm run budao -- rollout start ${layout.release.name} -c ${configs[0]}`,
    '',
    `${phones} phones are shopping. What dies starts again after ${restartAfterMs / 1000} s. Ctrl-C ends it all.`,
  ].join('\n')
}

/** How the phones are doing, in at most 79 columns. */
export function liveLine({ elapsedMs, phones, counts, perSecond, running }: LiveState): string {
  const seconds = Math.floor(elapsedMs / 1000)
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  const sites = running.map(({ site, up, all }) => `${site} ${up}/${all}`)
  return [
    clock,
    `${phones} phones`,
    `${Math.round(perSecond)}/s`,
    `ok ${counts.ok}`,
    ...(counts.backup > 0 ? [`backup ${counts.backup}`] : []),
    ...(counts.degraded > 0 ? [`degraded ${counts.degraded}`] : []),
    `failed ${counts.failed}`,
    ...sites,
  ]
    .join('  ')
    .slice(0, 79)
}

import type { Config } from '@budao/model'

/** What only a restart can change: one line for each change that a reload would make. */
export function fixedForLife(before: Config, after: Config): string[] {
  const problems: string[] = []
  const check = (path: string, a: unknown, b: unknown): void => {
    if (JSON.stringify(a) !== JSON.stringify(b))
      problems.push(
        `${path}: cannot change while the gateway runs (${JSON.stringify(a)} → ${JSON.stringify(b)}): restart it`,
      )
  }
  check('node', before.node, after.node)
  check('workers', before.workers, after.workers)
  check('dataDir', before.dataDir, after.dataDir)
  check('control', before.control, after.control)
  check('replication', before.replication, after.replication)
  check('admin', before.admin, after.admin)
  check('gslb.listen', before.gslb?.listen, after.gslb?.listen)
  check('gslb.http.address', before.gslb?.http?.address, after.gslb?.http?.address)
  return problems
}

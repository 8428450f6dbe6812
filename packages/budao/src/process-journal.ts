import { resolve } from 'node:path'
import { EventLog } from '@budao/controller/admin'
import type { Config } from '@budao/model'
import pino, { type Logger } from 'pino'

/** What a process says of itself: its log on stderr, and its events in `dataDir`. */
export async function openJournal(
  config: Config,
  baseDir: string,
): Promise<{ readonly log: Logger; readonly events: EventLog }> {
  const log = pino(
    { level: config.log.level, base: { node: config.node.name, site: config.node.site } },
    pino.destination({ fd: 2, sync: true }),
  )
  const events = await EventLog.open({
    dir: resolve(baseDir, config.dataDir),
    onFailure: (error) => log.error({ err: error }, 'events cannot be written'),
  })
  return { log, events }
}

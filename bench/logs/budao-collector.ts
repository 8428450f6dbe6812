import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@budao/testkit'
import { segmentName, segmentNumbers } from '../../packages/observability/src/store/segment-log.ts'
import { type Form, mainFile, writeConfig } from '../budao.ts'
import { packageVersion } from '../machine.ts'
import type { Collector } from './collector.ts'
import { bodiesIn } from './store-lines.ts'

/** Every line is parsed, kept in the store and indexed, whatever else becomes of it. */
export function budaoCollector(form: Form): Collector {
  return {
    name: 'budao',
    missing: () => Promise.resolve(null),
    version: () => packageVersion('@budao/observability'),
    async start({ stage, folder, logs, bulkPort, core }) {
      const adminPort = await freePort()
      const file = join(folder, 'budao.yaml')
      const sinks =
        bulkPort === null
          ? {}
          : { bulk: { elasticsearch: { url: `http://127.0.0.1:${bulkPort}`, index: 'logs' } } }
      writeConfig(file, {
        version: 1,
        node: { name: 'bench', site: 'east' },
        dataDir: './data',
        sites: { east: { weight: 1 } },
        admin: { address: `127.0.0.1:${adminPort}` },
        listeners: [],
        services: {},
        routes: [],
        logs: { own: false, files: [{ paths: [join(logs, '*.log')], service: 'shop' }], sinks },
      })
      const flags = form === 'source' ? ['--conditions=@budao/source'] : []
      const process = stage.start(
        'budao',
        globalThis.process.execPath,
        [...flags, mainFile(form), 'agent', '-c', file],
        {
          core,
          env: { NODE_ENV: 'production' },
        },
      )
      await process.waitForOutput(/collects logs/)
      const store = join(folder, 'data/logs')
      return { process, hasAll: (bytes) => readUpTo(store) >= bytes, messages: () => bodiesIn(store) }
    },
  }
}

const tailBytes = 8_192

/** Where the last commit of the store says its only file is read up to. */
function readUpTo(store: string): number {
  const segment = segmentNumbers(store).at(-1)
  if (segment === undefined) return 0
  const file = openSync(join(store, segmentName(segment)), 'r')
  try {
    const { size } = fstatSync(file)
    const tail = Buffer.alloc(Math.min(size, tailBytes))
    readSync(file, tail, 0, tail.length, size - tail.length)
    const commits = tail.toString('latin1').matchAll(/^\{"(?:commit|segment)":.*"offset":(\d+)/gmu)
    return Number([...commits].at(-1)?.[1] ?? 0)
  } finally {
    closeSync(file)
  }
}

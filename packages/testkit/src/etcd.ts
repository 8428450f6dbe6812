import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { requireDebian } from './debian.ts'
import { freePort } from './ports.ts'
import { startProcess, type TestProcess } from './processes.ts'
import { tempDir } from './temp-dir.ts'

/** One member of an etcd, which can be stopped, killed and started again with what it had. */
export interface EtcdMember {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string
  process: TestProcess
  /** After a kill: the same member again, with its data. */
  restart(): Promise<void>
}

/**
 * An etcd of `size` members on free ports, ready to answer. Undefined where it cannot be had: the test is then skipped, or fails with
 * `CI=true`.
 */
export async function startEtcd(t: TestContext, size: 1 | 3 = 1): Promise<EtcdMember[] | undefined> {
  const program = await requireDebian(t, 'etcd-server', 'etcd')
  if (program === undefined) return undefined
  const ports: number[] = []
  while (ports.length < size * 2) {
    const port = await freePort()
    if (!ports.includes(port)) ports.push(port)
  }
  const folder = tempDir(t)
  const peerOf = (index: number): string => `http://127.0.0.1:${ports[size + index]}`
  const cluster = ports.slice(0, size).map((_, index) => `m${index}=${peerOf(index)}`)
  const members = ports.slice(0, size).map((port, index): EtcdMember => {
    const endpoint = `http://127.0.0.1:${port}`
    const start = (): TestProcess =>
      startProcess(t, program, [
        ...['--name', `m${index}`, '--data-dir', join(folder, `m${index}`)],
        ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
        ...['--listen-peer-urls', peerOf(index), '--initial-advertise-peer-urls', peerOf(index)],
        ...['--initial-cluster', cluster.join(','), '--initial-cluster-state', 'new'],
      ])
    const member: EtcdMember = {
      endpoint,
      process: start(),
      restart: async () => {
        member.process = start()
        await ready(member)
      },
    }
    return member
  })
  await Promise.all(members.map(ready))
  return members
}

async function ready({ process }: EtcdMember): Promise<void> {
  await process.waitForOutput(/ready to serve client requests|serving insecure client requests/)
}

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findBinary, findOrInstall } from '@budao/testkit'
import type { Collector } from './collector.ts'

/** With imfile and omfile or omelasticsearch. It parses nothing: a line is one text. */
export const rsyslogCollector: Collector = {
  name: 'rsyslog',
  async missing() {
    for (const [name, file] of [
      ['rsyslog', 'rsyslogd'],
      ['rsyslog-elasticsearch', '/usr/lib/*/rsyslog/omelasticsearch.so'],
    ] as const) {
      const found = await findOrInstall(name, file)
      if (found.kind === 'missing') return found.reason
    }
    return null
  },
  version: () => /\d+\.\d+[.\d]*/.exec(spawnSync(rsyslogd(), ['-v'], { encoding: 'utf8' }).stdout)?.[0] ?? '',
  start({ stage, folder, logs, bulkPort, core }) {
    const out = join(folder, 'out.log')
    const work = join(folder, 'work')
    mkdirSync(work)
    const file = join(folder, 'rsyslog.conf')
    writeFileSync(file, configuration(logs, work, bulkPort === null ? intoFile(out) : intoBulk(bulkPort)))
    const process = stage.start('rsyslog', rsyslogd(), ['-n', '-f', file, '-i', join(folder, 'pid')], {
      core,
    })
    return Promise.resolve({
      process,
      hasAll: (bytes) => existsSync(out) && statSync(out).size >= bytes,
      messages: () => readFileSync(out, 'utf8').trimEnd().split('\n'),
    })
  },
}

function rsyslogd(): string {
  return findBinary('rsyslogd')!
}

function configuration(logs: string, work: string, action: string): string {
  return `
global(workDirectory="${work}" maxMessageSize="256k")
module(load="imfile" mode="inotify")
module(load="omelasticsearch")
main_queue(queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="2048" queue.workerThreads="1")
template(name="line" type="string" string="%msg%\\n")
template(name="document" type="list" option.json="on") {
  constant(value="{\\"message\\":\\"") property(name="msg") constant(value="\\"}")
}
input(type="imfile" file="${logs}/*.log" tag="bench" ruleset="bench" addMetadata="off")
ruleset(name="bench") { ${action} }
`
}

function intoFile(out: string): string {
  return `action(type="omfile" file="${out}" template="line" ioBufferSize="64k")`
}

function intoBulk(port: number): string {
  return `action(type="omelasticsearch" server="127.0.0.1" serverport="${port}" template="document" searchIndex="logs" searchType="" bulkmode="on" maxbytes="4m" action.resumeRetryCount="-1")`
}

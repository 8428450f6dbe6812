import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { requireDebian } from './debian.ts'
import type { TestHost } from './namespaces.ts'
import { freePort } from './ports.ts'
import { startProcess, type TestProcess } from './processes.ts'
import { tempDir } from './temp-dir.ts'
import { TestCa } from './test-ca.ts'

const VERSION = '4.3.1'
/** Of all jars: `sha256sum` of each with its name, sorted by name, through `sha256sum` again. */
const JARS_SHA256 = '9b241538730d32e890117f2362eee3ff6ed60f753d73e6a46652b547a64df32f'
const downloadMsMax = 240_000
/** Seconds on a machine of its own; on one that has ten things to do at once it was more than a minute. */
const startMsMax = 180_000

/** A user whom a broker knows (SASL PLAIN; others are made through its admin API). */
export interface KafkaUser {
  readonly user: string
  readonly password: string
}

/** A cluster of one broker, which can be killed and started again with what it had, or with nothing. */
export interface KafkaBroker {
  /** `127.0.0.1:port`, or of its machine. */
  readonly address: string
  /** The same broker over TLS, for users only. */
  readonly guarded: { readonly address: string; readonly ca: string } | null
  process: TestProcess
  /** After a kill: the same broker again, with its data. */
  restart(): Promise<void>
  /** After a kill: the same address, and nothing of what it had. */
  restartEmpty(): Promise<void>
}

/**
 * A real broker that is its own controller (KRaft), on free ports of 127.0.0.1 or of a machine of the test's network, ready to answer. Its jars are fetched once
 * into the folder for temporary files. With a user it has a second listener, over TLS and for users only. Undefined where it cannot be had: the test is then skipped, or fails with `CI=true`.
 */
export async function startKafka(
  t: TestContext,
  settings: Readonly<Record<string, string>> = {},
  host: TestHost | null = null,
  user: KafkaUser | null = null,
): Promise<KafkaBroker | undefined> {
  // It brings Java as well.
  const maven = await requireDebian(t, 'maven', 'mvn')
  if (maven === undefined) return undefined
  const made = await prepareJars(t, maven)
  if ('reason' in made) {
    const reason = `kafka is needed: ${made.reason}`
    if (process.env['CI'] === 'true') throw new Error(`${reason} (with CI=true a skip is a failure)`)
    t.skip(reason)
    return undefined
  }
  const folder = tempDir(t)
  const data = join(folder, 'data')
  const [port, controllerPort] = [await freePort(), await freePort()]
  const properties = join(folder, 'server.properties')
  const address = host?.address ?? '127.0.0.1'
  const authority = new TestCa()
  const guardedPort = user === null ? 0 : await freePort()
  const guard = user === null ? null : { ...user, port: guardedPort, pem: join(folder, 'broker.pem') }
  if (guard !== null) {
    const { cert, key } = authority.issue({ names: [address] })
    writeFileSync(guard.pem, `${key}${cert}`)
  }
  writeFileSync(properties, propertiesOf({ address, port, controllerPort, data, settings, guard }))
  format(made.folder, data)
  const start = (): TestProcess => startBroker(t, made.folder, properties, 'use', host)
  const broker: KafkaBroker = {
    address: `${address}:${port}`,
    guarded: guard && { address: `${address}:${guardedPort}`, ca: authority.cert },
    process: start(),
    restart: async () => {
      broker.process = start()
      await broker.process.waitForOutput(/Kafka Server started/, startMsMax)
    },
    restartEmpty: async () => {
      rmSync(data, { recursive: true, force: true })
      format(made.folder, data)
      await broker.restart()
    },
  }
  await broker.process.waitForOutput(/Kafka Server started/, startMsMax)
  return broker
}

function startBroker(
  t: Parameters<typeof startProcess>[0],
  folder: string,
  properties: string,
  archive: 'use' | 'make' = 'use',
  host: TestHost | null = null,
): TestProcess {
  const args = [
    ...(archive === 'use' && existsSync(archiveIn(folder))
      ? [`-XX:SharedArchiveFile=${archiveIn(folder)}`]
      : []),
    ...(archive === 'make' ? [`-XX:ArchiveClassesAtExit=${draftArchive(folder)}`] : []),
    // A broker that lives for seconds gains nothing from the second compiler and from threads that collect garbage.
    ...['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.log.kafka=info'],
    ...['-cp', `${folder}/lib/*`, 'kafka.Kafka', properties],
  ]
  return host === null ? startProcess(t, 'java', args) : host.start(t, 'java', args)
}

function propertiesOf(options: {
  readonly address?: string
  readonly port: number
  readonly controllerPort: number
  readonly data: string
  readonly settings: Readonly<Record<string, string>>
  readonly guard?: (KafkaUser & { readonly port: number; readonly pem: string }) | null
}): string {
  const { address = '127.0.0.1', port, controllerPort, data, settings, guard = null } = options
  const open = [`PLAINTEXT://${address}:${port}`]
  if (guard !== null) open.push(`SASL_SSL://${address}:${guard.port}`)
  const one = [
    'offsets.topic.replication.factor',
    'offsets.topic.num.partitions',
    'transaction.state.log.replication.factor',
    'transaction.state.log.min.isr',
    'transaction.state.log.num.partitions',
    'share.coordinator.state.topic.replication.factor',
    'share.coordinator.state.topic.min.isr',
  ]
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: [...open, `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
    'advertised.listeners': open.join(','),
    ...(guard === null ? {} : guardOf(guard)),
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    // One that was killed may register again when its last session has ended.
    'broker.session.timeout.ms': '1000',
    'broker.heartbeat.interval.ms': '200',
    // By default it gives up after a minute, which a busy machine may need.
    'initial.broker.registration.timeout.ms': String(startMsMax),
    ...Object.fromEntries(one.map((name) => [name, '1'])),
    ...settings,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function guardOf({ user, password, pem }: KafkaUser & { readonly pem: string }): Record<string, string> {
  const module = 'org.apache.kafka.common.security'
  return {
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': pem,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${module}.plain.PlainLoginModule required user_${user}="${password}";`,
    'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${module}.scram.ScramLoginModule required;`,
  }
}

/** What the storage tool writes into an empty folder, without another start of Java. */
function format(folder: string, data: string): void {
  mkdirSync(data, { recursive: true })
  for (const name of ['meta.properties', 'bootstrap.checkpoint']) {
    copyFileSync(join(folder, 'formatted', name), join(data, name))
  }
}

/** Jars, a formatted folder, and an archive of loaded classes that makes every later start cheaper. */
async function prepareJars(
  t: TestContext,
  maven: string,
): Promise<{ readonly folder: string } | { readonly reason: string }> {
  const folder = join(tmpdir(), `budao-kafka-${VERSION}`)
  if (existsSync(folder)) return { folder }
  // Aside, and then in place as a whole: another test may be doing it too.
  const draft = `${folder}.${process.pid}`
  mkdirSync(join(draft, 'formatted'), { recursive: true })
  try {
    writeFileSync(join(draft, 'pom.xml'), pom)
    const fetched = run(maven, [
      ...['-q', '-B', '-C', '-f', join(draft, 'pom.xml')],
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
      ...[`-DoutputDirectory=${join(draft, 'lib')}`, '-DincludeScope=runtime'],
    ])
    if (fetched !== '') return { reason: fetched }
    const found = digestOf(join(draft, 'lib'))
    if (found !== JARS_SHA256) {
      return { reason: `the jars of ${VERSION} have the digest ${found}, expected ${JARS_SHA256}` }
    }
    const properties = join(draft, 'format.properties')
    const data = join(draft, 'formatted')
    writeFileSync(properties, propertiesOf({ port: 1, controllerPort: 2, data, settings: {} }))
    const formatted = run('java', [
      ...['-cp', `${draft}/lib/*`, 'kafka.tools.StorageTool', 'format'],
      ...['-t', 'budao-test-cluster-id0', '-c', properties],
    ])
    if (formatted !== '') return { reason: formatted }
    if (!existsSync(folder)) renameSync(draft, folder)
    await archiveClasses(t, folder)
    return { folder }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Half of what a start costs is loading classes: they are kept as they were when a first broker ended. */
async function archiveClasses(t: TestContext, folder: string): Promise<void> {
  const dir = tempDir(t)
  const data = join(dir, 'data')
  const properties = join(dir, 'server.properties')
  const ports = { port: await freePort(), controllerPort: await freePort() }
  writeFileSync(properties, propertiesOf({ ...ports, data, settings: {} }))
  format(folder, data)
  const broker = startBroker(t, folder, properties, 'make')
  await broker.waitForOutput(/Kafka Server started/, startMsMax)
  await broker.stop('SIGTERM', 60_000)
  const made = draftArchive(folder)
  if (existsSync(made)) renameSync(made, archiveIn(folder))
}

function draftArchive(folder: string): string {
  return `${archiveIn(folder)}.${process.pid}`
}

function archiveIn(folder: string): string {
  return join(folder, 'classes.jsa')
}

/** Runs a program; returns what went wrong in one line, empty when nothing did. */
function run(program: string, args: readonly string[]): string {
  const done = spawnSync(program, args, { encoding: 'utf8', timeout: downloadMsMax })
  if (done.status === 0) return ''
  const output = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`
  return `${program} failed: ${output.trim().split('\n')[0] ?? ''}`
}

function digestOf(folder: string): string {
  const all = createHash('sha256')
  for (const name of readdirSync(folder).toSorted()) {
    const one = createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex')
    all.update(`${one}  ${name}\n`)
  }
  return all.digest('hex')
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>budao</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

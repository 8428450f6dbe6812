import { CliError } from '../cli-error.ts'
import { whyNoFirewall } from './faults/firewall.ts'
import { known, lives } from './faults/known-process.ts'
import type { KnownProcess } from './faults/known-process.ts'
import { relayedEndpoints } from './faults/relays.ts'
import type { Cutter, Scenario, Targets } from './scenario.ts'
import { readSiteProcesses } from './site-processes.ts'

/** What a person may name, and what the configuration names. */
export interface TargetNames {
  /** Of the site, or of the controllers. */
  readonly pidFile?: string
  /** Only this one of the file. */
  readonly process?: string
  /** Instead of the file. */
  readonly pids: readonly number[]
  readonly cutter: Cutter
  /** Whoever answers DNS; absent: nobody. */
  readonly dnsAdmin?: string
  /** The node whose links may be cut; absent: none may. */
  readonly nodeAdmin?: string
  /** Why not. */
  readonly whyNoCuts?: string
}

/** Finds what the fault will be done to, and makes sure that it is there. Rejects with CliError: with nothing broken. */
export async function findTargets(
  { hits }: Scenario,
  names: TargetNames,
  endpoints: readonly string[],
  leader: () => Promise<string | null>,
): Promise<Targets> {
  const { cutter, dnsAdmin = '', nodeAdmin = '' } = names
  if (hits === 'endpoints') await mustCut(cutter, endpoints)
  if (hits === 'dns' && dnsAdmin === '') {
    throw new CliError('this configuration answers no DNS: it has no gslb, or budao gateway runs it', 2)
  }
  if (hits === 'links' && nodeAdmin === '')
    throw new CliError(names.whyNoCuts ?? 'links cannot be cut here', 2)
  const targets = { endpoints, cutter, dnsAdmin, nodeAdmin }
  if (hits === 'endpoints' || hits === 'dns' || hits === 'links') return { ...targets, processes: [] }
  return { ...targets, processes: processesOf(hits, hits === 'leader' ? await named(names, leader) : names) }
}

/** Of the controllers that may be touched, the one that leads. */
async function named(names: TargetNames, leader: () => Promise<string | null>): Promise<TargetNames> {
  const leads = await leader()
  if (leads === null) throw new CliError('nobody leads now, as far as this process knows: budao status')
  const file = names.pidFile
  if (file !== undefined && !readSiteProcesses(file).some(({ name }) => name === leads))
    throw new CliError(
      `${leads} leads, which drills.controllersPidFile does not name: only what is named is ever touched`,
    )
  return { ...names, process: leads }
}

function processesOf(
  hits: Scenario['hits'],
  { pidFile, process: name, pids }: TargetNames,
): readonly KnownProcess[] {
  if (pids.length > 0) return pids.map(byNumber)
  if (pidFile === undefined) {
    const key =
      hits === 'controllers' || hits === 'leader' ? 'drills.controllersPidFile' : 'sites.NAME.pidFile'
    throw new CliError(`${key} is not configured, and no --pid given: only what is named is ever touched`, 2)
  }
  const listed = readSiteProcesses(pidFile)
  const chosen = name === undefined ? listed : listed.filter((one) => one.name === name)
  if (chosen.length === 0) {
    throw new CliError(
      `--process: expected one of ${listed.map((one) => one.name).join(', ')}, got ${name}`,
      2,
    )
  }
  const found = chosen.map((one) => known(one)).filter((one) => one !== undefined)
  if (found.length !== chosen.length)
    throw new CliError(`a process of ${pidFile} has ended: nothing was broken`)
  return hits === 'one process' ? found.slice(0, 1) : found
}

function byNumber(pid: number): KnownProcess {
  const found = known({ pid, name: `process-${pid}` })
  if (found !== undefined && lives(found) && pid > 1 && pid !== process.pid) return found
  throw new CliError(`--pid: there is no process ${pid} that a drill may touch`, 2)
}

async function mustCut(cutter: Cutter, endpoints: readonly string[]): Promise<void> {
  if (cutter.by === 'relay') {
    const relayed = await relayedEndpoints(cutter.control)
    const missing = endpoints.filter((address) => !relayed.includes(address))
    if (missing.length === 0) return
    throw new CliError(`${missing.join(', ')}: no relay of drills.relays stands there`, 2)
  }
  const reason = await whyNoFirewall()
  if (reason === undefined) return
  throw new CliError(`packets cannot be lost here (${reason}): run it as root, or configure drills.relays`)
}

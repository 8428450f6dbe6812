import { CliError } from '../../cli-error.ts'
import { cutLinks, mendLinks } from './cut-links.ts'
import { dropPackets, letPacketsPass } from './firewall.ts'
import { mendRelease, type BadRelease } from './bad-release.ts'
import type { Fault, Injected } from './fault.ts'
import { shownProcess, signal } from './known-process.ts'
import type { KnownProcess } from './known-process.ts'
import { muteDns, unmuteDns } from './mute-dns.ts'
import { cutRelays, mendRelays } from './relays.ts'

/**
 * Puts a fault in force. `forMs`: where something outside of this process can end it by itself (the kernel, a relay,
 * the DNS server), it does so then, whatever has become of the drill.
 */
export async function inject(
  fault: Exclude<Fault, BadRelease>,
  forMs: number,
  token?: string,
): Promise<Injected> {
  const restore = (): Promise<void> => takeBack(fault, token)
  switch (fault.kind) {
    case 'kill':
      return { hit: met(signal(fault.processes, 'SIGKILL')), restore }
    case 'stop':
      return { hit: met(signal(fault.processes, 'SIGSTOP')), restore }
    case 'stutter':
      return stutter(fault)
    case 'cut':
      if (fault.by === 'firewall') await dropPackets(fault, forMs)
      else await cutRelays(fault, forMs)
      return { hit: fault.endpoints, restore }
    case 'cut-links':
      await cutLinks(fault, forMs, token)
      return { hit: [`links of ${fault.admin}`], restore }
    case 'mute-dns':
      await muteDns(fault.admin, forMs, token)
      return { hit: [`DNS of ${fault.admin}`], restore }
  }
}

/** Takes a fault back, from what the journal knows of it. What is back already is left as it is. */
export async function takeBack(fault: Fault, token?: string): Promise<void> {
  switch (fault.kind) {
    case 'kill':
      return
    case 'stop':
    case 'stutter':
      signal(fault.processes, 'SIGCONT')
      return
    case 'cut':
      if (fault.by === 'firewall') await letPacketsPass()
      else await mendRelays(fault)
      return
    case 'cut-links':
      return mendLinks(fault.admin, token)
    case 'bad-release':
      return mendRelease(fault, token)
    case 'mute-dns':
      return unmuteDns(fault.admin, token)
  }
}

function met(processes: readonly KnownProcess[]): readonly string[] {
  if (processes.length > 0) return processes.map(shownProcess)
  throw new CliError('the processes were gone before the drill could begin: nothing was broken')
}

function stutter({ processes, stoppedMs, runningMs }: Fault & { kind: 'stutter' }): Injected {
  const hit = met(signal(processes, 'SIGSTOP'))
  let timer: NodeJS.Timeout
  const toggle = (to: 'SIGCONT' | 'SIGSTOP'): void => {
    signal(processes, to)
    timer = setTimeout(
      toggle,
      to === 'SIGSTOP' ? stoppedMs : runningMs,
      to === 'SIGSTOP' ? 'SIGCONT' : 'SIGSTOP',
    )
  }
  timer = setTimeout(toggle, stoppedMs, 'SIGCONT')
  return {
    hit,
    async restore() {
      clearTimeout(timer)
      signal(processes, 'SIGCONT')
    },
  }
}

import type { DrillScenario } from '@budao/model'
import type { Scenario } from './scenario.ts'

/** A process that is stopped nine tenths of the time answers, late. */
const stutter = { stoppedMs: 450, runningMs: 50 }

/** Everything `budao drill` can do, one noun each. */
export const scenarios: Readonly<Record<DrillScenario, Scenario>> = {
  'process-kill': {
    name: 'process-kill',
    summary: 'Kill one process of a site with SIGKILL.',
    hits: 'one process',
    endedBy: 'supervisor',
    mayFail: 'no read',
    fault: ({ processes }) => ({ kind: 'kill', processes }),
  },
  hang: {
    name: 'hang',
    summary: 'Stop the processes of a site with SIGSTOP, and let them go on with SIGCONT.',
    hits: 'all processes',
    endedBy: 'drill',
    mayFail: 'objective',
    fault: ({ processes }) => ({ kind: 'stop', processes }),
  },
  'site-loss': {
    name: 'site-loss',
    summary: 'Kill the processes of a site with SIGKILL.',
    hits: 'all processes',
    endedBy: 'supervisor',
    mayFail: 'no read',
    fault: ({ processes }) => ({ kind: 'kill', processes }),
  },
  'black-hole': {
    name: 'black-hole',
    summary: 'Lose every packet between this machine and the endpoints of a site.',
    hits: 'endpoints',
    endedBy: 'drill',
    mayFail: 'objective',
    fault: ({ endpoints, cutter }) => ({ kind: 'cut', endpoints, lost: 'everything', ...cutter }),
  },
  'one-way-partition': {
    name: 'one-way-partition',
    summary: 'Lose what the endpoints of a site answer; what is sent to them arrives.',
    hits: 'endpoints',
    endedBy: 'drill',
    mayFail: 'objective',
    fault: ({ endpoints, cutter }) => ({ kind: 'cut', endpoints, lost: 'answers', ...cutter }),
  },
  'slow-backend': {
    name: 'slow-backend',
    summary: 'Stop the processes of a site nine tenths of the time: they answer, late.',
    hits: 'all processes',
    endedBy: 'drill',
    mayFail: 'objective',
    fault: ({ processes }) => ({ kind: 'stutter', processes, ...stutter }),
  },
  'controller-loss': {
    name: 'controller-loss',
    summary: 'Kill the processes that decide about failovers with SIGKILL; serving must go on.',
    hits: 'controllers',
    endedBy: 'supervisor',
    mayFail: 'no read',
    fault: ({ processes }) => ({ kind: 'kill', processes }),
  },
  'leader-loss': {
    name: 'leader-loss',
    summary: 'Kill the controller that leads with SIGKILL; another one takes over, serving must go on.',
    hits: 'leader',
    endedBy: 'supervisor',
    mayFail: 'no read',
    fault: ({ processes }) => ({ kind: 'kill', processes }),
  },
  'control-partition': {
    name: 'control-partition',
    summary: 'Cut this gateway off from all other nodes and the coordination store; users still reach it.',
    hits: 'links',
    endedBy: 'drill',
    mayFail: 'no read',
    fault: ({ nodeAdmin }) => ({ kind: 'cut-links', admin: nodeAdmin, lost: 'all' }),
  },
  'control-one-way': {
    name: 'control-one-way',
    summary: 'Make this gateway deaf to all other nodes and the coordination store: they still hear it.',
    hits: 'links',
    endedBy: 'drill',
    mayFail: 'no read',
    fault: ({ nodeAdmin }) => ({ kind: 'cut-links', admin: nodeAdmin, lost: 'heard' }),
  },
  'dns-loss': {
    name: 'dns-loss',
    summary: 'Leave questions at this DNS server without an answer; who has the other one is served.',
    hits: 'dns',
    endedBy: 'drill',
    mayFail: 'no read',
    fault: ({ dnsAdmin }) => ({ kind: 'mute-dns', admin: dnsAdmin }),
  },
}

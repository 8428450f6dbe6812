import type { EventDraft, GatewayReport } from '@budao/model'
import type { AdminRoute, AdminLog } from './admin-route.ts'
import type { AdminSource, DrillNote } from './admin-source.ts'
import { ApiError } from './api-error.ts'
import { drillBody } from './parameters.ts'
import { within } from './within.ts'

const reportTimeoutMs = 5_000

export interface DrillRoutesOptions {
  readonly source: AdminSource
  readonly log: AdminLog
}

/** The notes that a drill leaves of itself at the gateway that it drills. */
export function drillRoutes({ source, log }: DrillRoutesOptions): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      url: '/api/v1/drills',
      role: 'operator',
      async handle(request) {
        const note = drillBody(request.body)
        const report = await within(reportTimeoutMs, async () => source.report())
        mustKnow(report, note.site)
        log.info({ from: request.ip, site: note.site }, `drill ${note.phase}`)
        const event = drillEvent(note)
        source.record(event)
        return { ok: true, kind: event.kind }
      },
    },
  ]
}

function mustKnow({ sites }: GatewayReport, site: string): void {
  const names = sites.map(({ name }) => name)
  if (names.includes(site)) return
  throw new ApiError('unknown-site', `there is no site ${JSON.stringify(site)}`, {
    hint: `Known: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}.`,
  })
}

/** A reason goes with the evidence, where readers of events look for why. */
function drillEvent({ phase, site, message, reason, evidence }: DrillNote): EventDraft {
  return {
    kind: `drill.${phase}`,
    severity: phase === 'started' || phase === 'aborted' ? 'warning' : 'info',
    subject: site,
    site,
    message,
    evidence: reason === undefined ? evidence : { ...evidence, reason },
  }
}

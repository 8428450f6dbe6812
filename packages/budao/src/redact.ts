import type { Config } from '@budao/model'

/** The configuration without what would let a reader act as somebody else. */
export function redactSecrets(config: Config): unknown {
  const shown = {
    ...config,
    stores: redactStores(config.stores),
    processes: redactProcesses(config.processes),
    ...redactReplication(config),
    ...redactVirtualIp(config),
    ...redactAlerts(config),
    ...redactLogs(config),
  }
  const { tokens } = config.admin
  if (tokens === undefined) return shown
  const hidden = Object.fromEntries(Object.keys(tokens).map((role) => [role, '(hidden)']))
  return { ...shown, admin: { ...config.admin, tokens: hidden } }
}

/** A store's URL may hold a password, whatever kind of store it is. */
function redactStores(stores: Config['stores']): unknown {
  return JSON.parse(
    JSON.stringify(stores, (key, value: unknown) =>
      key === 'url' && typeof value === 'string'
        ? value.replace(/\/\/([^:@/]*):[^@]*@/, '//$1:(hidden)@')
        : value,
    ),
  )
}

/** Who shows the replicators’ token may write to the data; a database’s URL may hold a password. */
function redactReplication({ replication, services }: Config): object {
  const hidden = (value: unknown): unknown => {
    const shown = JSON.stringify(value, (key, inner: unknown) => {
      if (key === 'token' && typeof inner === 'string') return '(hidden)'
      if (key !== 'url' || typeof inner !== 'string') return inner
      return inner.replace(/\/\/([^:@/]*):[^@]*@/, '//$1:(hidden)@')
    })
    return JSON.parse(shown)
  }
  const data = Object.entries(services).map(([name, service]) => [
    name,
    service.data === undefined ? service : { ...service, data: hidden(service.data) },
  ])
  return {
    services: Object.fromEntries(data) as unknown,
    ...(replication !== undefined && { replication: hidden(replication) }),
  }
}

/** What a process is given in its environment may be a password, whatever its name. */
function redactProcesses(processes: Config['processes']): unknown {
  return Object.fromEntries(
    Object.entries(processes).map(([name, process]) => {
      const env = Object.fromEntries(Object.keys(process.env).map((key) => [key, '(hidden)']))
      return [name, { ...process, env }]
    }),
  )
}

/** Headers of sinks hold their passwords, and so may their addresses. */
function redactLogs({ logs }: Config): object {
  if (logs === undefined) return {}
  const hidden = JSON.stringify(logs, (key, value: unknown) => {
    if (key === 'headers')
      return Object.fromEntries(Object.keys(value as object).map((name) => [name, '(hidden)']))
    return key === 'url' ? String(value).replace(/\/\/([^:@/]*):[^@]*@/, '//$1:(hidden)@') : value
  })
  return { logs: JSON.parse(hidden) }
}

function redactVirtualIp({ virtualIp }: Config): object {
  if (virtualIp === undefined) return {}
  const hidden = JSON.stringify(virtualIp, (key, value: unknown) => (key === 'password' ? '(hidden)' : value))
  return { virtualIp: JSON.parse(hidden) }
}

/** The address of a chat robot holds its key. */
function redactAlerts({ alerts }: Config): object {
  if (alerts === undefined) return {}
  const hidden = JSON.stringify(alerts.receivers, (key, value: unknown) =>
    key === 'url' && typeof value === 'string' ? `${new URL(value).origin}/(hidden)` : value,
  )
  return { alerts: { ...alerts, receivers: JSON.parse(hidden) } }
}

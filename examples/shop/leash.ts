import { isMainThread } from 'node:worker_threads'

const patienceMs = 5_000

/**
 * Ends this process by SIGTERM when the one that started it has gone, however that went. A killed parent cannot end
 * its children, but the system closes its end of the channel between them. Without a channel it does nothing.
 */
export function holdLeash(): void {
  if (!isMainThread || process.channel === undefined) return
  process.on('disconnect', () => {
    process.kill(process.pid, 'SIGTERM')
    setTimeout(() => process.exit(1), patienceMs).unref()
  })
  // Watching it is no reason to stay.
  process.channel?.unref()
}

import type { ProcessConfig } from '@budao/model'

/** What a process comes after, by name. Nothing in it waits for itself: the configuration’s checks see to that. */
export type Dependencies = Readonly<Record<string, Pick<ProcessConfig, 'after'>>>

/** In which order processes are stopped: each group when the ones before have ended, so that nobody loses what it needs. */
export function stopOrder(processes: Dependencies): readonly (readonly string[])[] {
  const groups: string[][] = []
  let left = Object.keys(processes)
  while (left.length > 0) {
    const needed = new Set(left.flatMap((name) => processes[name]!.after))
    const free = left.filter((name) => !needed.has(name))
    // Only a circle has none that nobody needs.
    const group = free.length > 0 ? free : left
    groups.push(group)
    left = left.filter((name) => !group.includes(name))
  }
  return groups
}

import { durationBoundsMs } from './metrics.ts'

/** Labels of one sample. */
export type Labels = Readonly<Record<string, string>>

/** Text in Prometheus' format 0.0.4, family by family. Durations in seconds, as its conventions want. */
export class Exposition {
  #text = ''
  #name = ''

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#name = name
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  sample(labels: Labels, value: number, suffix = ''): void {
    const pairs = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`)
    this.#text += `${this.#name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`
  }

  /** The samples of one histogram of durations; `buckets` as `durationBoundsMs` bounds them, and the rest. */
  histogram(labels: Labels, buckets: readonly number[], sumMs: number): void {
    let below = 0
    for (const [index, bound] of durationBoundsMs.entries()) {
      below += buckets[index]!
      this.sample({ ...labels, le: String(bound / 1_000) }, below, '_bucket')
    }
    const all = below + buckets[durationBoundsMs.length]!
    this.sample({ ...labels, le: '+Inf' }, all, '_bucket')
    this.sample(labels, sumMs / 1_000, '_sum')
    this.sample(labels, all, '_count')
  }

  toString(): string {
    return this.#text
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** Labels of one sample. */
export type Labels = Readonly<Record<string, string>>

/** Text of metrics in Prometheus' format 0.0.4. */
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

  toString(): string {
    return this.#text
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

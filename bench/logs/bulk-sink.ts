import { fileURLToPath } from 'node:url'
import type { TestProcess } from '@budao/testkit'
import type { Stage } from '../stage.ts'

const program = fileURLToPath(new URL('./bulk-sink-process.ts', import.meta.url))

/** A server in a process of its own that takes Elasticsearch's `_bulk`. */
export class BulkSink {
  readonly port: number
  readonly #stage: Stage
  readonly #process: TestProcess

  static async start(stage: Stage, core: number | undefined): Promise<BulkSink> {
    const process = stage.startNode('bulk sink', [program], { core })
    const [, port] = await process.waitForOutput(/port (\d+)/)
    return new BulkSink(stage, process, Number(port))
  }

  private constructor(stage: Stage, process: TestProcess, port: number) {
    this.#stage = stage
    this.#process = process
    this.port = port
  }

  /** Documents that it has taken. */
  async count(): Promise<number> {
    return Number(await (await fetch(`http://127.0.0.1:${this.port}/count`)).text())
  }

  /** Of the first of them. */
  async messages(): Promise<string[]> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/kept`)
    return ((await answer.json()) as { readonly message: string }[]).map(({ message }) => message)
  }

  close(): Promise<void> {
    return this.#stage.stop(this.#process)
  }
}

import type { Connection } from 'mysql2/promise'

/** A connection that is made again when it broke: whoever asked is told, the next one is answered. */
export class Asker {
  readonly #connect: () => Promise<Connection>
  #connection: Connection | null
  #closed = false

  private constructor(connectAgain: () => Promise<Connection>, connection: Connection) {
    this.#connect = connectAgain
    this.#connection = connection
  }

  static async open(connectAgain: () => Promise<Connection>): Promise<Asker> {
    return new Asker(connectAgain, await connectAgain())
  }

  async ask<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('the connection is closed')
    const connection = (this.#connection ??= await this.#connect())
    try {
      return await work(connection)
    } catch (error) {
      if ((error as { fatal?: boolean }).fatal === true && this.#connection === connection) {
        this.#connection = null
        connection.destroy()
      }
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#connection?.destroy()
  }
}

import { type Agent, request } from 'node:http'

/** What a user got: status 0 and no release when nobody answered. */
export interface UserAnswer {
  readonly status: number
  /** The text that its endpoints answer with. */
  readonly release: string
}

/** One request of a user to a gateway here, at most 10 s. Without an agent over a connection of its own. */
export function askAs(port: number, headers: Record<string, string>, agent?: Agent): Promise<UserAnswer> {
  return new Promise((resolve) => {
    const failed = (): void => resolve({ status: 0, release: '' })
    const asked = request(
      { host: '127.0.0.1', port, path: '/', headers, timeout: 10_000, agent },
      (response) => {
        let release = ''
        response.setEncoding('utf8').on('data', (text: string) => (release += text))
        response.on('error', failed)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, release }))
      },
    )
    asked.on('timeout', () => asked.destroy())
    asked.on('error', failed)
    asked.end()
  })
}

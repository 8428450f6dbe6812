import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import type { Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { flaws } from './flaw.ts'
import type { Flaw } from './flaw.ts'
import { inboxPage } from './inbox-page.ts'
import { mailboxServer } from './mailbox.ts'
import type { Mail } from './mailbox.ts'
import { Robot } from './robot.ts'

/** Somebody was told of an alert. */
export interface Told {
  readonly at: string
  readonly by: 'mail' | 'robot'
  readonly to: string
  readonly title: string
  readonly text: string
}

export interface InboxOptions {
  /** Where its page is, and its robot. */
  readonly port: number
  /** Where mail is taken. */
  readonly mailPort: number
  readonly robotKey: string
  /** Where the page's button makes errors. */
  readonly errorsUrl: string
  /** Starts a release with such a flaw. */
  readonly release: (flaw: Flaw) => Promise<void>
  /** Told in one line what came. */
  readonly say: (line: string) => void
}

const keptMax = 100

/** Where messages of the demo arrive: a mailbox and a group robot, with a page that shows both. */
export class Inbox {
  readonly #options: InboxOptions
  readonly #mail: Server
  readonly #web: HttpServer
  readonly #robot: Robot
  readonly #told: Told[] = []

  constructor(options: InboxOptions) {
    this.#options = options
    this.#mail = mailboxServer((mail) => this.#mailed(mail))
    this.#robot = new Robot(options.robotKey, (content) => this.#posted(content))
    this.#web = createServer((request, response) => void this.#serve(request, response))
  }

  async start(): Promise<void> {
    const { port, mailPort } = this.#options
    this.#mail.listen(mailPort, '127.0.0.1')
    this.#web.listen(port, '127.0.0.1')
    await Promise.all([once(this.#mail, 'listening'), once(this.#web, 'listening')])
    // It is what the demo shows, not what it lives for.
    for (const server of [this.#mail, this.#web]) server.unref()
  }

  stop(): void {
    this.#mail.close()
    this.#web.close()
    this.#web.closeAllConnections()
  }

  #mailed({ to, subject, text: content }: Mail): void {
    this.#keep({ by: 'mail', to: to.join(', '), title: subject, text: content.trim() })
  }

  #posted(content: string): void {
    const [title = '', ...lines] = content.split('\n').map((line) => line.replace(/^> ?/, ''))
    this.#keep({ by: 'robot', to: 'the group', title: title.replaceAll('**', ''), text: lines.join('\n') })
  }

  #keep(told: Omit<Told, 'at'>): void {
    this.#told.unshift({ at: new Date().toISOString(), ...told })
    this.#told.length = Math.min(this.#told.length, keptMax)
    this.#options.say(`${told.by} to ${told.to}: ${told.title}`)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://inbox')
    const json = (body: unknown): void =>
      void response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    try {
      switch (`${request.method} ${pathname}`) {
        case 'POST /cgi-bin/webhook/send':
          return json(this.#robot.answer(searchParams.get('key'), await text(request), Date.now()))
        case 'GET /messages':
          return json(this.#told)
        case 'POST /errors': {
          await fetch(this.#options.errorsUrl, { method: 'POST', signal: AbortSignal.timeout(3_000) })
          response.writeHead(303, { Location: '/' }).end()
          return
        }
        case 'POST /release': {
          const chosen = new URLSearchParams(await text(request)).get('flaw')
          const flaw = flaws.find((each) => each === chosen)
          if (flaw === undefined)
            return void response.writeHead(400).end(`flaw: one of ${flaws.join(', ')}\n`)
          await this.#options.release(flaw)
          response.writeHead(303, { Location: '/' }).end()
          return
        }
        case 'GET /': {
          const html = inboxPage(this.#told)
          const headers = {
            'Content-Type': 'text/html; charset=utf-8',
            'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
          }
          response.writeHead(200, headers).end(html)
          return
        }
        default:
          response.writeHead(404).end()
      }
    } catch (error) {
      response.writeHead(502, { 'Content-Type': 'text/plain' }).end(`${(error as Error).message}\n`)
    }
  }
}

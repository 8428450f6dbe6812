import { createClient, weixin } from '@budao/miniprogram'
import { SeededDraws } from '@budao/testkit'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumbers } from './options.ts'
import { pairedRatios, shuffled, spreadOf } from './statistics.ts'
import { spreadText, table } from './table.ts'

const usage = `npm run bench -- sdk-overhead [--rounds 7] [--calls 5000] [--seed 1]

How much longer a GET takes through the SDK than through bare request, in real time: the platform under both answers on the next turn of the
event loop, so that what is left is their own work. One call after the other; answers are checked. Exit code: 0, or 1 when
an answer is wrong or the SDK asks more often than bare request. Here it is a server's processor: a phone's is several times slower.
`

const origin = 'https://api.example.com'
const path = '/api/products?page=1'
const items = Array.from({ length: 5 }, (_, id) => ({ id, name: `product ${id}`, price: 1_990 }))
const body = JSON.stringify({ items })

interface Options {
  readonly dataType?: string
  success(answer: object): void
}

/** A platform without a network. */
class Platform {
  asked = 0

  readonly request = ({ dataType = 'json', success }: Options): object => {
    this.asked++
    setImmediate(() => {
      const data: unknown = dataType === 'json' ? JSON.parse(body) : body
      success({
        data,
        statusCode: 200,
        header: { 'Content-Type': 'application/json' },
        errMsg: 'request:ok',
      })
    })
    return { abort() {} }
  }
}

type Get = () => Promise<unknown>

/** Fails when an answer is wrong or something more is asked for; never for being slow. */
export async function run(args: readonly string[]): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, {
    rounds: [7, 1, 1_000],
    calls: [5_000, 100, 1_000_000],
    seed: [1, 0, 2 ** 31],
  })
  if (asked === null) return 0
  const { rounds, calls, seed } = asked
  const random = new SeededDraws(seed)
  say(machineText(describeMachine()))

  const contenders = ['bare request', 'budao'].map((name) => {
    const platform = new Platform()
    return {
      name,
      platform,
      get: name === 'budao' ? throughClient(platform) : bare(platform),
      p50: new Map<number, number>(),
      p99: new Map<number, number>(),
      wrong: 0,
    }
  })
  // Round 0 is for the compilers, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const contender of shuffled(contenders, random)) {
      const ms: number[] = []
      for (let call = 0; call < calls; call++) {
        const beganAt = performance.now()
        const data = await contender.get()
        ms.push(performance.now() - beganAt)
        if (JSON.stringify(data) !== body) contender.wrong++
      }
      if (round === 0) continue
      ms.sort((a, b) => a - b)
      contender.p50.set(round, ms[Math.floor(calls * 0.5)]!)
      contender.p99.set(round, ms[Math.floor(calls * 0.99)]!)
    }
  }
  const [plain, ours] = contenders as [(typeof contenders)[0], (typeof contenders)[0]]
  const rows = contenders.map(({ name, p50, p99, platform }) => [
    name,
    spreadText(spreadOf([...p50.values()]), 4),
    spreadText(spreadOf([...p99.values()]), 4),
    (platform.asked / ((rounds + 1) * calls)).toFixed(3),
  ])
  say(`\n${table(['', 'p50 ms', 'p99 ms', 'requests/call'], rows)}`)
  const added = [...ours.p50].map(([round, value]) => value - plain.p50.get(round)!)
  say(
    `\nadded at p50, ms: ${spreadText(spreadOf(added), 4)}; ours ÷ bare: ${spreadText(spreadOf(pairedRatios(ours.p50, plain.p50)), 2)}`,
  )
  const well = contenders.every(({ wrong }) => wrong === 0) && ours.platform.asked === plain.platform.asked
  if (!well)
    say(
      `wrong answers: ${contenders.map(({ name, wrong }) => `${name} ${wrong}`).join(', ')}; asked ${ours.platform.asked} against ${plain.platform.asked}`,
    )
  return well ? 0 : 1
}

function bare({ request }: Platform): Get {
  return () =>
    new Promise((resolve) => {
      request({ success: (answer) => resolve((answer as { data: unknown }).data) })
    })
}

function throughClient(platform: Platform): Get {
  const api = createClient({
    channels: [origin, 'https://api-backup.example.net'],
    transport: weixin(platform),
  })
  return () => api.get(path).then(({ data }) => data)
}

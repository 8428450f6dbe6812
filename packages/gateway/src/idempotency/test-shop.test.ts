import type { TestContext } from 'node:test'
import { rawServer, type RawExchange, type RawResponse, type RawServer } from '@budao/testkit'
import type { TestConfig, TestGateway } from '../test-gateway.test.ts'

export const KEY = 'Idempotency-Key: 0123456789abcdef'

type Edits = Readonly<Record<string, unknown>>

/** A shop that forgets nothing and recognises nothing: every request that arrives is one more order. */
export interface Shop {
  readonly orders: readonly string[]
  readonly backend: RawServer
}

/** `answer` is given the number of the order, from 1. */
export async function openShop(
  t: TestContext,
  answer: (number: number, exchange: RawExchange) => void | Promise<void> = (number, { connection }) =>
    connection.respond(201, `order ${number}`, { Location: `/orders/${number}` }),
): Promise<Shop> {
  const orders: string[] = []
  const backend = await rawServer(t, async (exchange) => {
    const body = await exchange.body()
    await answer(orders.push(`${exchange.method} ${exchange.target} ${body}`), exchange)
  })
  return { orders, backend }
}

/** The same, with answers that wait for `finish`. */
export async function openSlowShop(
  t: TestContext,
  answer: (number: number, exchange: RawExchange) => void = (number, { connection }) =>
    connection.respond(201, `order ${number}`),
): Promise<Shop & { finish: () => void }> {
  const waiting: (() => void)[] = []
  const shop = await openShop(t, async (number, exchange) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    answer(number, exchange)
  })
  return {
    ...shop,
    finish: () => {
      for (const resolve of waiting.splice(0)) resolve()
    },
  }
}

/** A gateway in front of it whose route has keys. */
export function keyedConfig(address: string, idempotency: Edits = {}, more: TestConfig = {}): TestConfig {
  return {
    endpoints: [address],
    ...more,
    service: { outlier: false, breaker: false, ...more.service },
    route: { filters: [{ idempotency }], ...more.route },
  }
}

export function order(
  gateway: TestGateway,
  body = 'one',
  lines: readonly string[] = [KEY],
  target = 'POST /orders',
): Promise<RawResponse> {
  return gateway.request(target, lines, body)
}

export function errorOf({ body }: { readonly body: string }): string {
  return (JSON.parse(body) as { error: string }).error
}

/** A sample of the route's metrics. */
export function counted(gateway: TestGateway, label: string): number {
  const found = new RegExp(`budao_idempotency_\\w+\\{route="shop",${label}\\} (\\d+)`).exec(
    gateway.gateway.metrics(),
  )
  return Number(found?.[1] ?? NaN)
}

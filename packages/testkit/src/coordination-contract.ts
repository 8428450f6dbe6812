import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { CoordinationStore, Versioned } from '@budao/model'

/** One kind of store, for the suite below. */
export interface CoordinationKind {
  readonly name: string
  /** An empty store, and another handle to it, as another process would have. Undefined: the test has been skipped. */
  open(t: TestContext): Promise<OpenCoordination | undefined>
}

export interface OpenCoordination {
  readonly one: CoordinationStore
  readonly other: CoordinationStore
  /** Takes the store away, so that nothing can be asked; the function it returns brings it back with all it had. */
  takeAway(): Promise<() => Promise<void>>
}

/** Registers what every coordination store promises, as tests. */
export function testCoordination({ name, open }: CoordinationKind): void {
  const contract = (title: string, body: (store: OpenCoordination) => Promise<void>): void => {
    test(`${name}: ${title}`, { timeout: 60_000 }, async (t) => {
      const store = await open(t)
      if (store !== undefined) await body(store)
    })
  }

  contract('a record that is not there is created once', async ({ one, other }) => {
    assert.equal(await one.get('lease/shop'), null)
    const created = await one.compareAndSet('lease/shop', 0, { epoch: 1, note: '不倒 "quoted"' })
    assert.equal(created.ok, true)
    assert.ok(created.current!.version > 0)
    const late = await other.compareAndSet('lease/shop', 0, { epoch: 9 })
    assert.deepEqual(late, { ok: false, current: created.current })
    assert.deepEqual(await other.get('lease/shop'), created.current)
    assert.deepEqual(created.current!.value, { epoch: 1, note: '不倒 "quoted"' })
  })

  contract('a change needs the version of the last one, and gets a higher one', async ({ one, other }) => {
    const first = (await one.compareAndSet('k', 0, 1)).current!
    const second = await other.compareAndSet('k', first.version, 2)
    assert.equal(second.ok, true)
    assert.ok(second.current!.version > first.version)
    assert.deepEqual(await one.compareAndSet('k', first.version, 3), { ok: false, current: second.current })
    assert.deepEqual(await one.compareAndSet('absent', first.version, 3), { ok: false, current: null })
    assert.equal(await one.get('absent'), null)
  })

  contract('no change is lost among many at the same time', async ({ one, other }) => {
    const raise = async (store: CoordinationStore): Promise<void> => {
      for (let done = 0; done < 10;) {
        const found = await store.get('counter')
        const { ok } = await store.compareAndSet(
          'counter',
          found?.version ?? 0,
          Number(found?.value ?? 0) + 1,
        )
        if (ok) done++
      }
    }
    await Promise.all([one, one, other, other].map(raise))
    assert.equal((await one.get('counter'))!.value, 40)
  })

  contract('a watch tells what is there, then every record’s newest change', async ({ one, other }) => {
    const before = (await one.compareAndSet('lease/a', 0, 'first')).current!
    await one.compareAndSet('run/a', 0, 'another prefix')
    const told: [string, Versioned][] = []
    const watch = one.watch('lease/', (key, record) => told.push([key, record]))
    await until(() => told.length === 1)
    assert.deepEqual(told[0], ['lease/a', before])
    await other.compareAndSet('lease/b', 0, 'second')
    await other.compareAndSet('lease/a', before.version, 'third')
    await until(() => told.length === 3)
    assert.deepEqual(
      told.map(([key, { value }]) => [key, value]),
      [
        ['lease/a', 'first'],
        ['lease/b', 'second'],
        ['lease/a', 'third'],
      ],
    )
    watch.close()
    await other.compareAndSet('lease/c', 0, 'nobody watches')
    const again: string[] = []
    const second = other.watch('lease/', (key) => again.push(key))
    await until(() => again.length === 3)
    second.close()
    assert.equal(told.length, 3)
  })

  contract('away it rejects, and back it has everything and its watches go on', async (store) => {
    const { one, other } = store
    const first = (await one.compareAndSet('k', 0, 'before')).current!
    const told: unknown[] = []
    const watch = one.watch('k', (_key, { value }) => told.push(value))
    await until(() => told.length === 1)
    const bringBack = await store.takeAway()
    await assert.rejects(one.compareAndSet('k', first.version, 'away'), Error)
    await bringBack()
    // What was asked for while it was away may have been done or not: the version tells.
    const found = (await other.get('k'))!
    assert.ok(found.value === 'before' || found.value === 'away')
    const after = await other.compareAndSet('k', found.version, 'after')
    assert.equal(after.ok, true)
    await until(() => told.at(-1) === 'after')
    watch.close()
  })
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > end) throw new Error('waited 20 s in vain')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

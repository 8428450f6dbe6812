import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { hash32, SeededRandom } from '@budao/resilience'
import { AnswerRing, SWEEP_END, SWEEP_START } from './answer-ring.ts'

function ringOf(bytes: number, owner = 1, memory = new SharedArrayBuffer(bytes)) {
  const ring = new AnswerRing(memory, 0, bytes, owner)
  return {
    memory,
    ring,
    put: (key: string, body: string, meta = '{}') =>
      ring.put(key, hash32(key), hash32(key, 1), { meta, body }),
    get: (key: string) => ring.read(key, hash32(key), hash32(key, 1))?.body,
    place: (key: string) => ring.read(key, hash32(key), hash32(key, 1))!,
    remove: (key: string) => ring.remove(key, hash32(key), hash32(key, 1)),
  }
}

test('a record is found by its key until it is replaced or removed', () => {
  const { ring, put, get, place, remove } = ringOf(65_536)
  assert.equal(get('a'), undefined)
  assert.ok(put('a', 'first'))
  const before = place('a')
  assert.equal(before.body, 'first')
  assert.ok(put('a', 'second \u00ff'))
  assert.equal(get('a'), 'second \u00ff')
  assert.equal(ring.holds(before), false)
  assert.equal(ring.counts().entries, 1)
  assert.ok(remove('a'))
  assert.equal(get('a'), undefined)
  assert.deepEqual(ring.counts(), { entries: 0, bytes: 0, evictions: 0, lockBusy: 0 })
})

test('what is larger than a quarter of the ring is not taken', () => {
  const { ring, put, get } = ringOf(65_536)
  assert.equal(put('large', 'x'.repeat(ring.recordBytesMax)), false)
  assert.ok(put('fits', 'x'.repeat(ring.recordBytesMax - 100)))
  assert.equal(get('fits')!.length, ring.recordBytesMax - 100)
})

test('against a model: what is found is what was put last, and counts are those of what can be found', () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = new SeededRandom(seed)
    const { ring, put, get, remove } = ringOf(16_384)
    const model = new Map<string, string>()
    for (let step = 0; step < 3_000; step++) {
      const key = `key-${Math.floor(random.next() * 60)}`
      const draw = random.next()
      if (draw < 0.5) {
        const body = `${step}:${'x'.repeat(Math.floor(random.next() * 900))}`
        assert.ok(put(key, body))
        model.set(key, body)
      } else if (draw < 0.6) {
        remove(key)
        model.delete(key)
      } else {
        const found = get(key)
        if (found !== undefined) assert.equal(found, model.get(key), `seed ${seed}, step ${step}`)
      }
    }
    const found = [...model].filter(([key, body]) => get(key) === body)
    assert.ok(found.length > 10, `seed ${seed}: ${found.length} found`)
    assert.equal(ring.counts().entries, found.length)
    assert.ok(ring.counts().bytes <= 16_384)
    assert.ok(ring.counts().evictions > 0)
  }
})

test('what is asked for stays, what nobody asks for goes', () => {
  const { put, get } = ringOf(65_536)
  put('hot', 'kept')
  for (let i = 0; i < 5_000; i++) {
    put(`cold-${i}`, 'x'.repeat(300))
    if (i % 20 === 0) assert.equal(get('hot'), 'kept', `after ${i}`)
  }
  assert.equal(get('cold-0'), undefined)
})

test('a sweep removes what matches, in steps, whatever is written in between', () => {
  const { ring, put, get } = ringOf(262_144)
  for (let i = 0; i < 200; i++) put(`${i % 2 === 0 ? 'even' : 'odd'}-${i}`, 'body')
  let removed = 0
  let position = SWEEP_START
  do {
    const swept = ring.sweep(position, 7, (key) => key.startsWith('even'))
    removed += swept.removed
    position = swept.next
    put(`later-${removed}`, 'body')
  } while (position !== SWEEP_END)
  assert.equal(removed, 100)
  assert.equal(get('even-0'), undefined)
  assert.equal(get('odd-1'), 'body')
})

test('the lock of a thread that died is broken, and what it was writing is thrown away', () => {
  const { memory, ring, put, get } = ringOf(65_536)
  put('a', 'x')
  new Int32Array(memory)[0] = 7
  assert.equal(put('b', 'x'), false, 'nobody waits for long')
  assert.equal(get('a'), 'x', 'reading needs no lock')
  ring.forget(3)
  assert.equal(put('b', 'x'), false)
  ring.forget(7)
  assert.equal(get('a'), undefined)
  assert.ok(put('b', 'x'))
  assert.equal(get('b'), 'x')
  assert.equal(ring.counts().entries, 1)
})

test('threads that write and read at once never see half a record or another key’s', async () => {
  const bytes = 131_072
  const { memory, put, get } = ringOf(bytes)
  const source = `
    import { workerData } from 'node:worker_threads'
    const { AnswerRing } = await import(workerData.ring)
    const { hash32, SeededRandom } = await import(workerData.resilience)
    const { memory, bytes, owner } = workerData
    const ring = new AnswerRing(memory, 0, bytes, owner)
    const random = new SeededRandom(owner)
    for (let i = 0; i < 20_000; i++) {
      const key = 'key-' + Math.floor(random.next() * 80)
      if (random.next() < 0.5) {
        const letter = 'abcdefghij'[Math.floor(random.next() * 10)]
        ring.put(key, hash32(key), hash32(key, 1), { meta: key, body: letter.repeat(Math.floor(random.next() * 4_000)) })
      } else {
        const found = ring.read(key, hash32(key), hash32(key, 1))
        if (found === undefined) continue
        if (found.meta !== key || (found.body !== '' && found.body !== found.body[0].repeat(found.body.length)))
          throw new Error('torn: ' + key + ' has ' + found.meta + ' ' + found.body.slice(0, 40))
      }
    }`
  const start = (owner: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
        workerData: {
          memory,
          bytes,
          owner,
          ring: import.meta.resolve('./answer-ring.ts'),
          resilience: import.meta.resolve('@budao/resilience'),
        },
      })
      worker.on('error', reject)
      worker.on('exit', () => resolve())
    })
  await Promise.all([2, 3, 4].map(start))
  assert.ok(put('last', 'x'))
  assert.equal(get('last'), 'x')
})

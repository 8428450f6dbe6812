/**
 * A service worker. A mini program's package lies on the phone and opens without a network: so does this one. The server is
 * asked first, and where it does not answer its last answer is given.
 */
const name = 'package-1'
const files = ['/phone', '/phone.css', '/program.css', '/program.js']

/** What is used of a service worker's world, which the types of a page do not know. */
interface Worker {
  addEventListener(type: string, listener: (event: WorkerEvent) => void): void
  skipWaiting(): Promise<void>
  readonly clients: { claim(): Promise<void> }
}

interface WorkerEvent {
  readonly request: Request
  waitUntil(work: Promise<unknown>): void
  respondWith(response: Promise<Response>): void
}

const worker = globalThis as unknown as Worker
worker.addEventListener('install', (event) => {
  event.waitUntil(caches.open(name).then((cache) => cache.addAll(files)))
  void worker.skipWaiting()
})
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()))
worker.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url)
  if (origin === location.origin && files.includes(pathname))
    event.respondWith(fromServerOrKept(event.request, pathname))
})

async function fromServerOrKept(request: Request, pathname: string): Promise<Response> {
  const cache = await caches.open(name)
  try {
    const response = await fetch(request)
    if (response.ok) await cache.put(pathname, response.clone())
    return response
  } catch (error) {
    const kept = await cache.match(pathname)
    if (kept === undefined) throw error
    return kept
  }
}

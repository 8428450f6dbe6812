/**
 * idle        no request
 * filtering   a filter's promise is awaited
 * caching     a cache or a store of keys is asked, or another request's answer awaited
 * receiving   a small body is taken in whole before an endpoint is asked: a slow phone holds no place at a backend
 * attempting  an endpoint has been asked, or is about to be
 * working     the route answers by itself, and that takes time
 * relaying    an endpoint's answer is on the way to the client
 * tunnelling  it has granted an upgrade: bytes go both ways until either side has had enough
 */
export type ExchangeState =
  | 'idle'
  | 'filtering'
  | 'caching'
  | 'receiving'
  | 'attempting'
  | 'working'
  | 'relaying'
  | 'tunnelling'

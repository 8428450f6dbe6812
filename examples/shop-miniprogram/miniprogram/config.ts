/**
 * The gateways that the shop is behind, the first of them first. With a real phone on the same network: the address of the
 * computer that `npm start` runs on, in place of 127.0.0.1. In production: two domains, both on the list of the console.
 */
export const channels = [
  { name: 'east', baseUrl: 'http://127.0.0.1:8080' },
  { name: 'west', baseUrl: 'http://127.0.0.1:8081' },
]

/**
 * The public half of the RSA key by which the gateways sign the order of these channels, or null: then it stays as above.
 * `npm start` makes one and puts it in here for the browser; for DevTools: its `n` and `e`.
 */
export const channelKey: { readonly n: string; readonly e: string } | null = null

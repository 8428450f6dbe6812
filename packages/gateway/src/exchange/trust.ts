import type { ListenerConfig } from '@budao/model'

/** What of a request's head is believed on that listener. */
export function trustOf({ trustForwarded, tls }: ListenerConfig): {
  readonly trustForwarded: boolean
  readonly trustCertificate: boolean
} {
  // Who asks for certificates himself need not believe what others say of them.
  return { trustForwarded, trustCertificate: trustForwarded && tls?.clientAuth === undefined }
}

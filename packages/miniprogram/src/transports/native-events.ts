import type { Client } from '../client.ts'

/** The part of `wx`, `tt`, `uni` or `my` that tells of the network and of the mini program's place. Each is optional. */
export interface NativeEventsHost {
  onNetworkStatusChange?(listener: (state: { isConnected: boolean; networkType?: string }) => void): void
  onAppShow?(listener: () => void): void
  onAppHide?(listener: () => void): void
}

/**
 * Lets a client know what the phone does: calls that the background or a switch of networks broke off go on as soon as they can,
 * and queued writes leave. Once for the life of the mini program: `followPlatform(api, wx)`.
 */
export function followPlatform({ parking }: Pick<Client, 'parking'>, host: NativeEventsHost): void {
  host.onNetworkStatusChange?.(({ isConnected, networkType = '' }) => {
    parking.network = networkType
    if (isConnected) parking.onNetwork()
  })
  host.onAppHide?.(() => parking.onBackground())
  host.onAppShow?.(() => parking.onForeground())
}

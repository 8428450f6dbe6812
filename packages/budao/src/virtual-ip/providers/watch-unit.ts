import { dirname } from 'node:path'
import type { KeepalivedWatchConfig } from '@budao/model'

/** What runs the watch: the words of its command, the configuration's path behind. */
export interface WatchCommand {
  readonly words: readonly string[]
  readonly config: string
}

/** A unit of systemd that keeps `budao keepalived watch` running. */
export function watchUnit({ file }: KeepalivedWatchConfig, { words, config }: WatchCommand): string {
  const folder = /^\/run\/([\w.-]+)$/.exec(dirname(file))?.[1]
  return `# Written by budao keepalived render --part unit.
[Unit]
Description=Tells keepalived at once when the gateway on this machine fails
Before=keepalived.service

[Service]
ExecStart=${[...words, 'keepalived', 'watch', '-c', config].join(' ')}
# Killed in the middle of a failure it would leave its last word behind, for ever.
ExecStopPost=/bin/sh -c 'echo 0 > ${file}'
Restart=always
RestartSec=1
${folder === undefined ? '' : `RuntimeDirectory=${folder}\nRuntimeDirectoryPreserve=yes\n`}
[Install]
WantedBy=multi-user.target
`
}

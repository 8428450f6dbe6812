import { wordIn } from '@budao/model'
import type { NoteKind } from '../imported.ts'

type Reason = readonly [kind: NoteKind & ('lost' | 'default'), reason: string]

const rendered: Reason = ['default', 'a rendered file has it']
const mail: Reason = ['lost', 'events of the gateway take its place: send them on from there']
const kernel: Reason = ['default', 'the gateway balances, not the kernel']

/** Why a statement that nobody has carried over was not. */
const reasons: Readonly<Record<string, Reason>> = {
  router_id: rendered,
  script_user: rendered,
  enable_script_security: rendered,
  vrrp_version: rendered,
  vrrp_skip_check_adv_addr: rendered,
  notification_email: mail,
  notification_email_from: mail,
  smtp_server: mail,
  smtp_connect_timeout: mail,
  smtp_alert: mail,
  lvs_sync_daemon: kernel,
  lvs_flush: kernel,
  lvs_flush_onstop: kernel,
  ha_suspend: kernel,
  ops: kernel,
  warmup: ['default', 'first checks are spread over their interval'],
  preempt: ['default', 'preempt: true'],
  garp_master_delay: ['lost', 'keepalived tells its neighbours by its own defaults'],
}

/** For a statement of that name. */
export function reasonFor(name: string): Reason {
  return wordIn(reasons, name) ?? ['lost', 'has no counterpart']
}

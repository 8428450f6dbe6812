// Virtual addresses by VRRP (RFC 3768, RFC 5798): who holds the address, and when another one takes it.
export * from './providers/virtual-ip.ts'
export * from './vrrp/advice.ts'
export * from './vrrp/election.ts'
export * from './vrrp/priority.ts'
export * from './vrrp/script-state.ts'
export * from './vrrp/takeover-range.ts'
export * from './vrrp/takeover.ts'
export * from './vrrp/timing.ts'

// What is simulated, without the servers around it.
export * from '../../packages/controller/src/failover/leadership.ts'
export * from '../../packages/controller/src/failover/run-queue.ts'
export type * from '../../packages/controller/src/failover/unit-effect.ts'
export type * from '../../packages/controller/src/failover/unit-event.ts'
export { stepUnit } from '../../packages/controller/src/failover/unit-machine.ts'
export * from '../../packages/controller/src/failover/unit-rules.ts'
export * from '../../packages/controller/src/failover/unit-state.ts'
export * from '../../packages/controller/src/failover/verdict.ts'

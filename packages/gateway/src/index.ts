export { errorCodes, type ErrorCode } from './errors.ts'
export { defineFilter, type FilterDefinition, type UnnamedFilter } from './filters/module.ts'
export type {
  ExchangeRecord,
  Filter,
  FilterEnv,
  FilterRequest,
  FilterResponse,
  Reply,
  RequestView,
} from './filters/filter.ts'
export type { ApplyResult } from './apply-result.ts'
export { Gateway } from './gateway.ts'
export type { BreakerForce } from './service/breaker-force.ts'
export { checkServeFiles, type ServeFileProblem } from './serve/check-serve-files.ts'
export type { GatewayOptions } from './gateway-options.ts'

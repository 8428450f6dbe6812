import type { ImportKind } from '../imported.ts'
import { gatewayApi } from './gateway-api.ts'
import { hystrix } from './hystrix.ts'
import { istio } from './istio.ts'
import { keepalived } from './keepalived.ts'
import { nginx } from './nginx.ts'

/** Every format that can be imported, in the order in which a text is tried. */
export const importKinds: readonly ImportKind[] = [istio, gatewayApi, hystrix, keepalived, nginx]

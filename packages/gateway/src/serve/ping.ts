import type { OwnAnswer } from '../exchange/own-answer.ts'
import { wrongMethod } from '../exchange/reply.ts'
import type { Reply } from '../filters/filter.ts'

/** 204 to whoever asks whether the gateway is there. What a proxy kept would say nothing of now. */
export const ping: OwnAnswer = ({ method }) => (method === 'GET' || method === 'HEAD' ? here : readOnly)

const here: Reply = { status: 204, headers: [['Cache-Control', 'no-store']], body: '' }
const readOnly = wrongMethod('GET, HEAD')

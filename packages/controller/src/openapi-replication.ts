import { replicationAlarmCodes } from '@budao/model'
import { error, get, json, type Operation, viewer } from './openapi-operations.ts'
import { boolean, choice, list, number, object, orNull, type Schema, string } from './openapi-shapes.ts'

/** The path of data between the sites. */
export const replicationPaths: { readonly [path: string]: { readonly [method: string]: Operation } } = {
  '/api/v1/replication': {
    get: get('replication', 'How far the data of the sites is apart', viewer, json('Replication'), {
      '404': error('replication-off'),
    }),
  },
}

const loop = { state: choice('running', 'retrying', 'log-full', 'stopped', 'resyncing'), why: string }

/** Its shape. */
export const replicationSchemas: { readonly [name: string]: Schema } = {
  Replication: object({
    url: string,
    ageMs: number,
    problem: string,
    report: orNull(
      object({
        site: string,
        outgoing: object({
          ...loop,
          events: number,
          backlog: number,
          outboxPercent: number,
          logPercent: orNull(number),
        }),
        peers: list(
          object({
            site: string,
            behind: number,
            rpoMs: number,
            lagP50Ms: orNull(number),
            lagP99Ms: orNull(number),
            silentMs: number,
            degraded: boolean,
            refused: orNull(number),
          }),
        ),
        incoming: list(
          object({
            ...loop,
            site: string,
            silentMs: number,
            lagMs: orNull(number),
            applied: number,
            duplicates: number,
            conflicts: number,
            parked: number,
          }),
        ),
        deadLetters: number,
        ended: list(object({ origin: string, count: number, ids: list(string) })),
        conflicts: number,
        paused: { type: 'object', additionalProperties: string },
        alarms: list(object({ code: choice(...replicationAlarmCodes), subject: string, message: string })),
      }),
    ),
  }),
}

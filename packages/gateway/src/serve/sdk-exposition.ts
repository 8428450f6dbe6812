import type { Exposition } from '../metrics/exposition.ts'
import { sdkPlatforms } from '../providers/sdk-platforms.ts'
import { batchResults, sdkOutcomes, sdkSources } from './sdk-metrics.ts'
import type { SdkReport } from './serve-memory.ts'

/** What apps have told of their calls, where a route takes it. */
export function writeSdk(text: Exposition, report: SdkReport | null): void {
  if (report === null) return
  const { counts, channels } = report
  text.family(
    'budao_sdk_batches_total',
    'counter',
    'Batches of apps about their calls, by what became of them.',
  )
  for (const [index, result] of batchResults.entries()) text.sample({ result }, counts.batches(index))
  text.family(
    'budao_sdk_calls_total',
    'counter',
    'Calls that apps have told of, by class of status or code of the error.',
  )
  for (const [place, platform] of sdkPlatforms.entries()) {
    for (const [index, code] of sdkOutcomes.entries()) {
      const count = counts.calls(place, index)
      // Most never happen: what is 0 is left out, so that a platform nobody uses is not 13 series.
      if (count > 0) text.sample({ platform, code }, count)
    }
  }
  text.family('budao_sdk_call_sources_total', 'counter', 'The same calls by where their answer came from.')
  for (const [index, source] of sdkSources.entries()) text.sample({ source }, counts.source(index))
  text.family(
    'budao_sdk_channel_calls_total',
    'counter',
    'Those of them that went to the network, by channel and whether an answer came.',
  )
  for (const { channel, answered, failed } of channels) {
    text.sample({ channel, result: 'answered' }, answered)
    text.sample({ channel, result: 'failed' }, failed)
  }
  text.family('budao_sdk_attempts_total', 'counter', 'Attempts of all those calls together.')
  text.sample({}, counts.attempts)
  text.family('budao_sdk_native_retries_total', 'counter', 'Repetitions by the platform below the SDK.')
  text.sample({}, counts.nativeRetries)
  text.family('budao_sdk_dropped_total', 'counter', 'Calls that apps did not tell of for want of room.')
  text.sample({}, counts.dropped)
  text.family('budao_sdk_call_duration_seconds', 'histogram', 'How long calls took for the app.')
  const duration = counts.histogram('duration')
  text.histogram({}, duration.buckets, duration.sumMs)
  text.family('budao_sdk_call_queue_seconds', 'histogram', 'How long they waited for a slot of the phone.')
  const queue = counts.histogram('queue')
  text.histogram({}, queue.buckets, queue.sumMs)
}

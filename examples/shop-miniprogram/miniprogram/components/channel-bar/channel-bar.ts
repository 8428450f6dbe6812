import { watchAnswering } from '../../answering'
import type { Answering } from '../../answering'
import { channels } from '../../config'
import { siteName, texts } from '../../texts'

/** Says which gateway answers, and when none does. */
Component({
  data: { state: 'connecting', text: texts.connecting },
  lifetimes: {
    attached() {
      this.stopWatching = watchAnswering((answering) => this.setData(lineOf(answering)))
    },
    detached() {
      this.stopWatching()
    },
  },
  methods: {
    stopWatching() {},
  },
})

function lineOf({ state, channel, site, left }: Answering): { state: string; text: string } {
  const [now, before, from] = [channel, left, site].map(siteName) as [string, string, string]
  switch (state) {
    case 'connecting':
      return { state, text: texts.connecting }
    case 'offline':
      return { state, text: texts.offline }
    case 'sites-gone':
      return { state: 'unreachable', text: texts.sitesGone(now) }
    case 'unreachable':
      return { state, text: texts.unreachable }
    case 'answered':
      // The first one is where every phone goes back to: nobody has failed then.
      if (left !== '' && channel === channels[0]?.name) return { state, text: texts.backTo(now) }
      if (left !== '') return { state: 'switched', text: texts.switchedTo(before, now) }
      return { state, text: texts.answeredBy(now, from) }
  }
}

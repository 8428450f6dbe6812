import { clock } from '../../format'
import { texts } from '../../texts'

/** Marks data that nobody could be asked for just now, with the time it is of. */
Component({
  properties: {
    /** Milliseconds since 1970; 0: it is of now. */
    since: { type: Number, value: 0 },
  },
  data: { text: '' },
  observers: {
    since(since: number) {
      this.setData({ text: since === 0 ? '' : texts.savedAt(clock(since, Date.now())) })
    },
  },
})

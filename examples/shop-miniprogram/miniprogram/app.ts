import { api } from './api'

App({
  onLaunch() {
    void api.outbox.load()
  },
})

import type { Answer } from '../client/client.ts'
import type { FilterResponse, Reply } from '../filters/filter.ts'
import { keepLines, valueIn } from './header-lines.ts'
import { checkEditable, checkHeader } from '../http/fields.ts'
import type { ResponseHead } from '../http/response-head.ts'

/** An endpoint's answer as filters see it. */
export function responseView(head: ResponseHead): FilterResponse {
  return {
    status: head.status,
    header: (name) => head.fields.get(name),
    setHeader: (name, value) => {
      checkEditable(name)
      head.fields.set(name, value)
    },
    addHeader: (name, value) => {
      checkEditable(name)
      head.fields.add(name, value)
    },
    removeHeader: (name) => {
      checkEditable(name)
      head.fields.remove(name)
    },
  }
}

/** An answer of the gateway's own as filters see it; `reply` is what they made of it. */
export function editableReply(original: Reply): FilterResponse & { reply(): Reply } {
  let headers = [...original.headers]
  const without = (name: string): typeof headers =>
    headers.filter(([each]) => each.toLowerCase() !== name.toLowerCase())
  return {
    status: original.status,
    header: (name) => {
      const values = headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
      return values.length === 0 ? undefined : values.join(', ')
    },
    setHeader: (name, value) => {
      checkEditable(name)
      checkHeader(name, value)
      headers = [...without(name), [name, value]]
    },
    addHeader: (name, value) => {
      checkEditable(name)
      checkHeader(name, value)
      headers = [...headers, [name, value]]
    },
    removeHeader: (name) => {
      checkEditable(name)
      headers = without(name)
    },
    reply: () => ({ ...original, headers }),
  }
}

/** A kept answer as filters see it; `answer` is what they made of it. */
export function editableAnswer(original: Answer): FilterResponse & { answer(): Answer } {
  let { lines } = original
  const without = (name: string): string => keepLines(lines, (lower) => lower !== name.toLowerCase())
  return {
    status: original.status,
    header: (name) => valueIn(lines, name),
    setHeader: (name, value) => {
      checkEditable(name)
      checkHeader(name, value)
      lines = `${without(name)}${name}: ${value}\r\n`
    },
    addHeader: (name, value) => {
      checkEditable(name)
      checkHeader(name, value)
      lines += `${name}: ${value}\r\n`
    },
    removeHeader: (name) => {
      checkEditable(name)
      lines = without(name)
    },
    answer: () => (lines === original.lines ? original : { ...original, lines }),
  }
}

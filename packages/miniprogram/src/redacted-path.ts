/** Words of an API: letters with what joins them, and its version. Everything else may be somebody's number or name. */
const word = /^([a-z][a-z._-]{0,31}|v\d{1,2}|)$/i

/** A path without its query, and `:id` in place of every segment that may say of whom or what it speaks. */
export function redactedPath(path: string): string {
  return path
    .replace(/[?#][^]*/, '')
    .split('/')
    .map((segment) => (word.test(segment) ? segment : ':id'))
    .join('/')
}

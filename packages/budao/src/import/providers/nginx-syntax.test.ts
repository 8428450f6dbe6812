import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ImportError } from '../imported.ts'
import { type Directive, parseNginx } from './nginx-syntax.ts'

const parse = (text: string): Directive[] => parseNginx(text, 'nginx.conf', () => [])

/** `name(arg,arg){…}` of each directive. */
function shown(directives: readonly Directive[]): string {
  return directives
    .map(({ name, args, block }) => `${name}(${args.join(',')})${block === null ? '' : `{${shown(block)}}`}`)
    .join(' ')
}

const read: [what: string, text: string, expected: string][] = [
  ['words and blocks', 'a b c; d { e f; }', 'a(b,c) d(){e(f)}'],
  ['no space is needed at marks', 'a b;c{d e;}f;', 'a(b) c(){d(e)} f()'],
  ['comments', '# a;\na b; # c {\nd "#e" f#g;', 'a(b) d(#e,f#g)'],
  ['quotes keep marks and spaces', `a "b; {c}" 'd "e"';`, 'a(b; {c},d "e")'],
  [
    'a backslash takes a quote’s meaning away',
    String.raw`a "b\"c" 'd\'e' f\;g;`,
    String.raw`a(b"c,d'e,f\;g)`,
  ],
  [
    'regular expressions keep their backslashes',
    String.raw`location ~ \.php$ { }`,
    String.raw`location(~,\.php$){}`,
  ],
  [
    'a brace in quotes is no block',
    String.raw`location ~ "^/\d{2}$" { a; }`,
    String.raw`location(~,^/\d{2}$){a()}`,
  ],
  ['variables in braces', 'a ${b}c $d;', 'a(${b}c,$d)'],
  ['line ends count as space', 'a\n  b\n  c\n;', 'a(b,c)'],
  ['tabs and line ends by escapes', String.raw`a "b\tc\nd";`, 'a(b\tc\nd)'],
  ['a mark of order at the beginning', '\ufeffa;', 'a()'],
  ['nothing', ' \n# only a comment', ''],
]
for (const [what, text, expected] of read) test(what, () => assert.equal(shown(parse(text)), expected))

const refused: [what: string, text: string, message: string][] = [
  ['a missing semicolon', 'a {\n  b c\n}', 'nginx.conf:3: expected ";" or "{" after "b", got "}"'],
  ['a missing brace', 'a {\n b;\n', 'nginx.conf:3: expected a directive or "}", got the end of the file'],
  ['a brace too many', 'a;\n}', 'nginx.conf:2: expected a directive, got "}"'],
  ['a quote without end', 'a\n "b;\n', 'nginx.conf:2: expected the end of what " begins'],
  ['a variable without end', 'a ${b;', 'nginx.conf:1: expected the end of what $ begins'],
  ['a lone semicolon', ';', 'nginx.conf:1: expected a directive, got ";"'],
]
for (const [what, text, message] of refused) {
  test(`${what} is refused with its place`, () => {
    assert.throws(() => parse(text), new ImportError(message))
  })
}

test('lines are those of the directives, in included files too', () => {
  const include = (pattern: string) =>
    pattern === 'conf.d/*.conf' ? [{ name: 'conf.d/a.conf', text: '\nserver {\n listen 80; }' }] : []
  const [first, second] = parseNginx('a;\n\ninclude conf.d/*.conf;', 'nginx.conf', include)
  assert.deepEqual([first!.file, first!.line], ['nginx.conf', 1])
  assert.deepEqual([second!.name, second!.file, second!.line], ['server', 'conf.d/a.conf', 2])
  assert.equal(second!.block![0]!.line, 3)
})

test('files that include one another end with an error', () => {
  const include = () => [{ name: 'a.conf', text: 'include a.conf;' }]
  assert.throws(() => parseNginx('include a.conf;', 'a.conf', include), /include one another/)
})

test('any text is read or refused, nothing else', () => {
  const pieces = fc.constantFrom(
    'a',
    ' ',
    '\n',
    ';',
    '{',
    '}',
    '"',
    "'",
    '\\',
    '#',
    '$',
    '${',
    'server',
    'location ~ ',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (text) => {
      try {
        parse(text.join(''))
      } catch (error) {
        assert.ok(error instanceof ImportError, String(error))
      }
    }),
  )
})

import { TmplGroup } from 'glass-easel-template-compiler'
import { builtIns } from './built-ins.ts'

interface Problem {
  readonly message: string
  readonly startLine: number
}

/**
 * Compiles wxml, by path without its ending, to one JavaScript expression: what glass-easel draws pages with. Throws
 * with every problem that the compiler found, each with its file and line; a warning is one too.
 */
export function compileTemplates(templates: ReadonlyMap<string, string>): string {
  const group = new TmplGroup()
  try {
    const problems: string[] = []
    for (const [path, text] of templates) {
      for (const { startLine, message } of group.addTmpl(path, named(text)) as Problem[])
        problems.push(`${path}.wxml:${startLine + 1} ${message}`)
    }
    if (problems.length > 0) throw new Error(problems.join('\n'))
    return group.getTmplGenObjectGroups()
  } finally {
    group.free()
  }
}

const builtInTag = new RegExp(`(</?)(${builtIns.join('|')})(?=[\\s/>])`, 'g')

/** A browser has a `button` and an `input` of its own: those of WeChat are called `wx-button` and `wx-input` here. */
function named(text: string): string {
  return text.replace(builtInTag, '$1wx-$2')
}

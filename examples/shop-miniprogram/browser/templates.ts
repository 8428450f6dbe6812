import { TmplGroup } from 'glass-easel-template-compiler'

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
      for (const { startLine, message } of group.addTmpl(path, text) as Problem[])
        problems.push(`${path}.wxml:${startLine + 1} ${message}`)
    }
    if (problems.length > 0) throw new Error(problems.join('\n'))
    return group.getTmplGenObjectGroups()
  } finally {
    group.free()
  }
}

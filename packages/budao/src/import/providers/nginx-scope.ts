import type { Directive } from './nginx-syntax.ts'

/** The directives of a block, and those of the blocks around it that hold in it. */
export class Scope {
  readonly directives: readonly Directive[]
  readonly #parent: Scope | null
  readonly #used: Set<Directive>

  /** Directives that were asked for are added to `used`: what is not in it in the end was not carried over. */
  constructor(directives: readonly Directive[], used: Set<Directive>, parent: Scope | null = null) {
    this.directives = directives
    this.#used = used
    this.#parent = parent
  }

  within(block: Directive): Scope {
    this.#used.add(block)
    return new Scope(block.block ?? [], this.#used, this)
  }

  /** The directive of that name that holds here. */
  one(name: string): Directive | undefined {
    return this.all(name).at(-1)
  }

  /** As nginx inherits lists: those of the nearest block that has any. */
  all(name: string): Directive[] {
    const own = this.own(name)
    return own.length > 0 || this.#parent === null ? own : this.#parent.all(name)
  }

  /** Those that stand in this block itself. */
  own(name: string): Directive[] {
    const found = this.directives.filter((directive) => directive.name === name)
    for (const directive of found) this.#used.add(directive)
    return found
  }

  /** What stands in that block has been told of as a whole. */
  pass(directive: Directive): void {
    this.#used.add(directive)
    for (const inner of directive.block ?? []) this.pass(inner)
  }

  /** Fixed texts of variables, `set $name text`, of all blocks around. */
  variables(): Map<string, string> {
    const variables = this.#parent?.variables() ?? new Map<string, string>()
    for (const { args } of this.directives.filter(({ name }) => name === 'set')) {
      const [variable = '', value = ''] = args
      if (!value.includes('$')) variables.set(variable.slice(1), value)
    }
    return variables
  }
}

// EventStoreDB's filters are .NET expressions; clients in all languages send them. What .NET writes differently is rewritten here.

const wordCharacters = String.raw`\p{L}\p{Mn}\p{Nd}\p{Pc}`
const boundary = `(?:(?<=[${wordCharacters}])(?![${wordCharacters}])|(?<![${wordCharacters}])(?=[${wordCharacters}]))`
const insideBoundary = `(?:(?<=[${wordCharacters}])(?=[${wordCharacters}])|(?<![${wordCharacters}])(?![${wordCharacters}]))`

/** Escapes outside a character class that mean something else, or nothing, in JavaScript. */
const escapes: Readonly<Record<string, string>> = {
  w: `[${wordCharacters}]`,
  W: `[^${wordCharacters}]`,
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
  b: boundary,
  B: insideBoundary,
  A: String.raw`(?<![\s\S])`,
  z: String.raw`(?![\s\S])`,
  Z: String.raw`(?=\n?(?![\s\S]))`,
  G: String.raw`(?<![\s\S])`,
  a: String.raw`\x07`,
  e: String.raw`\x1b`,
}
const classEscapes: Readonly<Record<string, string>> = {
  w: wordCharacters,
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
  a: String.raw`\x07`,
  e: String.raw`\x1b`,
}
/** What the `u` mode of JavaScript lets stand after a backslash. */
const common = /[\^$\\.*+?()[\]{}|/fnrtvsSxuc0]/

const categoryEscape = /^\\[pP]\{\w+\}/

type Options = { ignoreCase: boolean; multiline: boolean; singleline: boolean; free: boolean }

/**
 * A JavaScript expression that matches what the .NET expression matches: inline options, comments, atomic groups, anchors,
 * both spellings of named groups, Unicode classes. Throws SyntaxError for what neither can read, or JavaScript cannot express
 * (balancing groups, conditionals, subtracted classes, right-to-left).
 */
export function dotNetRegExp(pattern: string): RegExp {
  return new RegExp(new Translation(pattern).translate(), 'u')
}

class Translation {
  readonly #pattern: string
  #at = 0
  #groups = 0
  #atomicGroups = 0
  #options: Options = { ignoreCase: false, multiline: false, singleline: false, free: false }

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  translate(): string {
    const translated = this.#alternatives()
    if (this.#at < this.#pattern.length) throw new SyntaxError(`unmatched ) at ${this.#at} of ${this.#pattern}`)
    return translated
  }

  /** Up to the end or the closing parenthesis of the group. Options set inside end with the group. */
  #alternatives(): string {
    const outer = this.#options
    let result = ''
    let closing = ''
    while (this.#at < this.#pattern.length && this.#pattern[this.#at] !== ')') {
      const options = this.#inlineOptions()
      if (options) {
        this.#options = options
        // JavaScript has these options for a group only: the rest of this one becomes such a group.
        result += closing + modifiers(options)
        closing = ')'
      } else {
        const piece = this.#piece()
        // An alternative belongs to the whole group, so the modified part ends before it and starts anew after it.
        result += piece === '|' && closing ? `)|${modifiers(this.#options)}` : piece
      }
    }
    this.#options = outer
    return result + closing
  }

  #piece(): string {
    const character = this.#pattern[this.#at]!
    if (character === '\\') return this.#escape()
    if (character === '[') return this.#class()
    if (character === '(') return this.#group()
    const quantifier = this.#take(/^\{\d+(,\d*)?\}/)
    if (quantifier) return quantifier[0]
    this.#at++
    if (this.#options.free && /\s/.test(character)) return ''
    if (this.#options.free && character === '#') return this.#comment('\n')
    if (character === '.') return this.#options.singleline ? String.raw`[\s\S]` : String.raw`[^\n]`
    if (character === '^') return this.#options.multiline ? String.raw`(?<![^\n])` : String.raw`(?<![\s\S])`
    if (character === '$') return this.#options.multiline ? String.raw`(?![^\n])` : String.raw`(?=\n?(?![\s\S]))`
    return /[\]{}]/.test(character) ? `\\${character}` : character
  }

  #comment(end: string): string {
    const close = this.#pattern.indexOf(end, this.#at)
    this.#at = close < 0 ? this.#pattern.length : close + 1
    return ''
  }

  #inlineOptions(): Options | undefined {
    const found = this.#take(/^\(\?([imsnx]*)(?:-([imsnx]*))?\)/)
    return found && this.#changed(found[1]!, found[2] ?? '')
  }

  #changed(on: string, off: string): Options {
    const set = (letter: string, before: boolean) => (before || on.includes(letter)) && !off.includes(letter)
    const { ignoreCase, multiline, singleline, free } = this.#options
    return {
      ignoreCase: set('i', ignoreCase),
      multiline: set('m', multiline),
      singleline: set('s', singleline),
      free: set('x', free),
    }
  }

  #group(): string {
    const rest = this.#pattern.slice(this.#at)
    const opening = /^\((?:\?(?:#|>|<[=!]|[:=!]|<\w+>|'\w+'|[imsnx]*(?:-[imsnx]*)?:))?/.exec(rest)![0]
    if (opening === '(' && rest[1] === '?') throw new SyntaxError(`the group at ${this.#at} of ${this.#pattern} is not supported`)
    this.#at += opening.length
    if (opening === '(?#') return this.#comment(')')
    const outer = this.#options
    const name = /^\(\?[<'](\w+)[>']$/.exec(opening)?.[1]
    const options = /^\(\?([imsnx]*)(?:-([imsnx]*))?:$/.exec(opening)
    if (options) this.#options = this.#changed(options[1]!, options[2] ?? '')
    const start = options
      ? modifiers(this.#options)
      : name
        ? `(?<${name}>`
        : opening === '('
          ? `(?<${unnamed(++this.#groups)}>`
          : opening
    const body = this.#alternatives()
    this.#options = outer
    if (this.#pattern[this.#at] !== ')') throw new SyntaxError(`a group of ${this.#pattern} is not closed`)
    this.#at++
    if (opening !== '(?>') return `${start}${body})`
    // A look-ahead gives nothing back once it has matched, which is what makes a group atomic.
    const atomic = `atomic${++this.#atomicGroups}`
    return `(?:(?=(?<${atomic}>${body}))\\k<${atomic}>)`
  }

  #escape(): string {
    const reference = this.#take(/^\\(?:([1-9])|k[<'](\w+)[>'])/)
    if (reference) return `\\k<${reference[2] ?? unnamed(Number(reference[1]))}>`
    const category = this.#take(categoryEscape)
    if (category) return category[0]
    const character = this.#pattern[this.#at + 1]
    if (character === undefined) throw new SyntaxError(`${this.#pattern} ends in a backslash`)
    this.#at += 2
    return escapes[character] ?? (common.test(character) ? `\\${character}` : literal(character))
  }

  #take(shape: RegExp): RegExpExecArray | undefined {
    const found = shape.exec(this.#pattern.slice(this.#at))
    if (found) this.#at += found[0].length
    return found ?? undefined
  }

  #class(): string {
    let result = '['
    this.#at++
    if (this.#pattern[this.#at] === '^') {
      result += '^'
      this.#at++
    }
    for (let first = true; ; first = false) {
      const character = this.#pattern[this.#at]
      if (character === undefined) throw new SyntaxError(`a class of ${this.#pattern} is not closed`)
      if (character === '\\') {
        result += this.#classEscape()
        continue
      }
      this.#at++
      if (character === ']' && !first) return `${result}]`
      if (character === '-' && this.#pattern[this.#at] === '[') throw new SyntaxError('subtracted classes are not supported')
      else result += /[[\]^]/.test(character) ? `\\${character}` : character
    }
  }

  #classEscape(): string {
    const category = this.#take(categoryEscape)
    if (category) return category[0]
    const character = this.#pattern[this.#at + 1]
    if (character === undefined) throw new SyntaxError(`${this.#pattern} ends in a backslash`)
    if (character === 'W') throw new SyntaxError(String.raw`\W within a class is not supported`)
    this.#at += 2
    return classEscapes[character] ?? (common.test(character) || /[b-]/.test(character) ? `\\${character}` : literal(character))
  }
}

/** Groups by number get names, so that the groups that stand for atomic ones shift no number. */
const unnamed = (number: number) => `group${number}`

/** `(?i:` and the like; the other options have been rewritten. */
const modifiers = (options: Options) => (options.ignoreCase ? '(?i:' : '(?-i:')

const literal = (character: string) => character.replace(/[\^$\\.*+?()[\]{}|/]/, '\\$&')

import { existsSync } from 'node:fs'
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import type { Level } from '../analysis/lint/types.js'
import { LEVELS } from '../analysis/lint/types.js'
import type { Io } from './io.js'
import { fileText } from './load.js'
import { problemsError } from './problems.js'

/** What a configuration file of `lint` says. */
export interface LintConfig {
  /** By id of the lint rule. */
  readonly rules: ReadonlyMap<string, Level | 'off'>
  readonly failOn: Level | 'never' | undefined
}

/** Read from the working directory where no other is named. */
export const USUAL_CONFIG = 'packetwalk.lint.json'

/**
 * `{ "fail-on": "warning", "rules": { "rule-redundant": "off", "log-without-limit": "error" } }`, comments allowed. Undefined: no file is named, and
 * there is none of the usual name. Throws UserError with line and column.
 */
export async function lintConfig(
  path: string | undefined,
  ids: readonly string[],
  io: Io,
): Promise<LintConfig | undefined> {
  if (path === undefined && !existsSync(USUAL_CONFIG)) return undefined
  const file = path ?? USUAL_CONFIG
  const text = await fileText(file, io)
  const fail = (offset: number, message: string): never => {
    const before = text.slice(0, offset).split('\n')
    throw problemsError([{ file, line: before.length, column: before.at(-1)!.length + 1, message }], () => text, io)
  }
  const errors: ParseError[] = []
  const tree = parseTree(text, errors, { allowTrailingComma: true })
  const [error] = errors
  if (error) fail(error.offset, `this is no JSON: ${printParseErrorCode(error.error)}`)
  if (tree?.type !== 'object') return fail(0, 'an object is needed: { "rules": { … } }')
  const choice = <T extends string>(node: Node, choices: readonly T[]): T =>
    choices.find((one) => one === node.value) ?? fail(node.offset, `one of ${choices.join(', ')} is needed`)
  for (const key of keysOf(tree))
    if (key.value !== 'rules' && key.value !== 'fail-on')
      fail(key.offset, `unknown key "${key.value}": "rules" and "fail-on" are known`)
  const failOn = findNodeAtLocation(tree, ['fail-on'])
  const rules = findNodeAtLocation(tree, ['rules'])
  if (rules && rules.type !== 'object') fail(rules.offset, 'an object is needed: { "rule-redundant": "off" }')
  const levels = new Map<string, Level | 'off'>()
  for (const key of rules ? keysOf(rules) : []) {
    if (!ids.includes(key.value)) fail(key.offset, `there is no lint rule "${key.value}" (lint --rules lists them)`)
    levels.set(key.value, choice<Level | 'off'>(key.parent!.children![1]!, [...LEVELS, 'off']))
  }
  return { rules: levels, failOn: failOn ? choice<Level | 'never'>(failOn, [...LEVELS, 'never']) : undefined }
}

const keysOf = (object: Node): readonly Node[] => (object.children ?? []).flatMap(({ children }) => children?.[0] ?? [])

#!/usr/bin/env node
/**
 * Runs the bundled command with the code that V8 compiled when it was built: compiling takes as long as all the rest of a short command. Code of
 * another Node is refused by V8. The first command under another Node leaves its own beside it, where that can be written.
 */
const { readFileSync, renameSync, writeFileSync } = require('node:fs')
const { createRequire, wrap } = require('node:module')
const { join } = require('node:path')
const { setFlagsFromString } = require('node:v8')
const { Script } = require('node:vm')

const file = join(__dirname, 'packetwalk.cjs')
// lint runs code that no other command does, and does not run what most of them do
const command = process.argv[2] === 'lint' ? '-lint' : ''
const cache = join(__dirname, `packetwalk${command}-${process.version}-${process.arch}.cache`)

// A function is optimized when it has run for so long. A fifth of the time of a short command went into code that was hardly used any more; long ones
// lose nothing by it. Later versions have no such flag.
if (/^v2[01]\./.test(process.version)) setFlagsFromString('--interrupt-budget=600000')

function cached() {
  try {
    return readFileSync(cache)
  } catch {
    return undefined
  }
}

/** What `--version` has compiled is of no use to anybody else. */
const WORTH_KEEPING = 1_000_000

function keep(code) {
  if (code.length < WORTH_KEEPING) return
  const unfinished = `${cache}.${process.pid}`
  try {
    writeFileSync(unfinished, code)
    renameSync(unfinished, cache)
  } catch {
    // installed for all by somebody else
  }
}

const cachedData = cached()
const script = new Script(wrap(readFileSync(file, 'latin1')), { filename: file, cachedData })
// what is there and refused belongs to other flags of V8: it stays
if (cachedData === undefined) process.on('exit', () => keep(script.createCachedData()))
const bundle = { exports: {} }
script.runInThisContext().call(bundle.exports, bundle.exports, createRequire(file), bundle, file, __dirname)

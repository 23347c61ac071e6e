/**
 * Runs the bundled command with the code that V8 compiled when it was built: a quarter of the time in which a short command would start is
 * spent on compiling. A cache of another Node is refused by V8 and does no harm. With PACKETWALK_WRITE_CACHE=1 the cache is written at exit.
 */
const { readFileSync, writeFileSync } = require('node:fs')
const { createRequire, wrap } = require('node:module')
const { join } = require('node:path')
const { Script } = require('node:vm')

const file = join(__dirname, 'packetwalk.cjs')
const cache = join(__dirname, 'packetwalk.cache')

function cached() {
  try {
    return readFileSync(cache)
  } catch {
    return undefined
  }
}

const script = new Script(wrap(readFileSync(file, 'latin1')), { filename: file, cachedData: cached() })
const bundle = { exports: {} }
script.runInThisContext().call(bundle.exports, bundle.exports, createRequire(file), bundle, file, __dirname)
if (process.env.PACKETWALK_WRITE_CACHE) process.on('exit', () => writeFileSync(cache, script.createCachedData()))

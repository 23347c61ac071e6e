import { processIo } from './process-io.js'
import { run } from './program.js'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // whoever read our output has seen enough (`| head`)
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  throw error
})
process.stderr.on('error', () => {})

process.exitCode = await run(process.argv.slice(2), processIo())

import { processIo } from './process-io.js'
import { run } from './program.js'

void run(process.argv.slice(2), processIo()).then((status) => {
  process.exitCode = status
})

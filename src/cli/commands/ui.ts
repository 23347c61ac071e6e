import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import { inputFiles, load } from '../load.js'

interface Options {
  readonly port: string
}

export const ui: CommandSpec<Options> = {
  name: 'ui',
  arguments: '[snapshot]',
  summary: 'the page on which the packet walks, served to this machine only, with the snapshot loaded',
  exits: '0 when it is ended (Ctrl-C).',
  examples: ['ui', 'ui samples/k8s-cluster', 'ui ./my-host --port 8080'],
  options(command) {
    command.option('--port <n>', 'port on 127.0.0.1; 0 takes one that is free', '0')
  },
  async run([snapshot], { port }, io) {
    const number = /^\d{1,5}$/.test(port) && Number(port) <= 65535 ? Number(port) : undefined
    if (number === undefined) throw new UserError(`packetwalk: --port ${port}: a port is a number from 0 to 65535`)
    let files: string | undefined
    if (snapshot !== undefined) {
      await load(snapshot as string, [], io)
      files = JSON.stringify(await inputFiles(snapshot as string, io))
    }
    const { fileURLToPath } = process.getBuiltinModule('node:url')
    const { serveUi } = await import('../ui-server.js')
    const served = await serveUi({
      root: fileURLToPath(new URL('./web/', import.meta.url)),
      snapshot: files,
      port: number,
    }).catch((error: NodeJS.ErrnoException) => {
      throw new UserError(`packetwalk: cannot listen on 127.0.0.1:${port}: ${error.code ?? error.message}`)
    })
    io.out(`${served.url}\n`)
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    })
    await served.close()
    return EXIT.yes
  },
}

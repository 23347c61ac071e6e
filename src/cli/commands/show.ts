import type { CommandSpec } from '../command.js'
import { EXIT } from '../exit.js'
import { load } from '../load.js'
import { type ColourOptions, colourOption, jsonOption, type WithOptions, withOption } from '../options.js'
import { paint, widthOf } from '../paint.js'

export const show: CommandSpec<ColourOptions & WithOptions & { readonly json?: boolean }> = {
  name: 'show',
  arguments: '<snapshot>',
  summary: 'what was read: hosts, namespaces, links, tables, chains, and what was not recognised',
  exits: '0.',
  examples: ['show samples/k8s-cluster', 'show samples/docker-host --json', 'iptables-save | packetwalk show -'],
  options(command) {
    colourOption(withOption(jsonOption(command)))
  },
  async run([snapshot], options, io) {
    const { hosts, files } = await load(snapshot as string, options.with, io)
    const { showJson, showText } = await import('../../report/show.js')
    if (options.json) io.out(`${JSON.stringify(showJson(hosts, files), undefined, 2)}\n`)
    else io.out(paint(showText(hosts, files, widthOf(io)), io, options.color))
    return EXIT.yes
  },
}

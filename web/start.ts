import { Obscurer } from './engine/obscure.js'
import type { TextFile } from './engine/protocol.js'
import { runAll } from './history.js'
import { readFragment, type Shared, stateWithin } from './share.js'
import { at, commands, files, goTo, line, open, opened, place } from './state.js'

/** The whole state as it is shared; `obscured`: with other addresses and names. */
export function sharedState(obscured: boolean): Shared | undefined {
  const what = opened.value
  if (!what) return undefined
  const rest = { line: line.value, at: at.value, commands: commands.value }
  if (!obscured) return { ...what, ...rest }
  const obscurer = new Obscurer()
  const others = obscurer.files(files.value)
  const of = (text: string) => obscurer.text(text)
  return { files: others, line: of(rest.line), at: rest.at, commands: rest.commands.map(of) }
}

/** `packetwalk ui SNAPSHOT` puts the snapshot beside the page and says so in the fragment. */
const SERVED = '#served'

export async function start(): Promise<void> {
  if (location.hash === SERVED) {
    const served = await fetch('./snapshot.json').then((answer) => answer.json() as Promise<TextFile[]>)
    return open({ files: served })
  }
  const given = (await readFragment(location.hash)) ?? (await stateWithin())
  if (!given) return open({ sample: 'k8s-cluster' })
  await open('sample' in given ? { sample: given.sample } : { files: given.files }, given.line, given.at)
  if (given.commands.length > 0) await runAll(given.commands, place.peek() ?? '')
  goTo(given.at)
}

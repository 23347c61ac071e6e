import type { ReachResult } from '../analysis/reach.js'
import { type Line, printable, span } from './line.js'

export function reachText({ answer, packets, more, examples }: ReachResult, target: string): readonly Line[] {
  if (answer === 'none')
    return [
      [
        span(`no new connection gets to ${printable(target)}`, 'accept'),
        span(': every packet that comes in to be routed was looked at', 'dim'),
      ],
    ]
  const head =
    answer === 'some'
      ? `these new connections get to ${printable(target)}:`
      : `by the rules these new connections may get to ${printable(target)}, but no example that was tried does:`
  return [
    [span(head, answer === 'some' ? 'heading' : 'unknown')],
    ...packets.map((text): Line => [span('  '), span(printable(text))]),
    ...(more ? [[span('  … and more', 'dim')]] : []),
    ...examples.map(
      ({ packet, sees }): Line => [
        span('  for example ', 'label'),
        span(printable(packet), 'rule'),
        span(`, seen as from ${printable(sees)}`, 'dim'),
      ],
    ),
  ]
}

/** The shape of schema/reach.schema.json. */
export const reachJson = ({ answer, packets, more, examples }: ReachResult) => ({
  schema: 'packetwalk/reach/1',
  answer,
  packets,
  more,
  examples,
})

import type { Expectation } from '../expectation.js'
import type { Direction } from '../tuple.js'
import { followMaster } from './follow.js'
import {
  ACCEPT,
  type Announcement,
  announce,
  drop,
  expect,
  type HelpContext,
  type Helped,
  type Helper,
  isTranslated,
} from './helper.js'

const MOST_ATTEMPTS = 128

/** nf_nat_exp_find_port: expects it on this port, or on one drawn from those above. Undefined: nobody may expect it. */
export function findPort(
  helper: Pick<Helper, 'policies'>,
  make: (port: number) => Expectation,
  first: number,
  context: HelpContext,
): { readonly port: number; readonly expectation: Expectation } | undefined {
  const range = 65535 - first
  let port = first
  for (let left = Math.min(range, MOST_ATTEMPTS); ; ) {
    const expectation = make(port)
    const made = expect(helper, expectation, context)
    if (made === 'expected') return { port, expectation }
    if (made !== 'busy' || --left < 0) return undefined
    port = first + Math.floor(context.random() * range)
  }
}

/** A port that one end tells the other, for a connection to it. */
export interface ToldPort {
  readonly helper: Helper
  readonly port: number
  /** Of the master, in which the announced connection goes. */
  readonly direction: Direction
  at(port: number): Announcement
  /** Puts another port where this one was told. False: the packet would be too long. */
  tell(port: number): boolean
}

/** What helpers of TCP connections to a told port do, with NAT and without. */
export function expectAtPort({ helper, port, direction, at, tell }: ToldPort, context: HelpContext): Helped {
  const { entry } = context.attachment
  if (!isTranslated(entry))
    return expect(helper, announce(entry, at(port)), context) === 'expected'
      ? ACCEPT
      : drop('the announced connection cannot be expected')
  const follow = followMaster(entry, direction, port, context)
  const made = findPort(helper, (free) => announce(entry, { ...at(free), follow }), port, context)
  if (!made) return drop('all ports are expected by others')
  if (tell(made.port)) return ACCEPT
  context.table.expectations.remove(made.expectation)
  return drop('the packet would be too long')
}

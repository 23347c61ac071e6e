import { ACCEPT, type Helped } from '../helper.js'
import { expectData, expectMedia } from './expect.js'
import type { Kept } from './per.js'
import type { Signal } from './signal.js'

/** One after the other, as long as all goes well. */
export function inTurn(...steps: readonly (() => Helped)[]): Helped {
  for (const step of steps) {
    const helped = step()
    if (helped.is !== 'accept') return helped
  }
  return ACCEPT
}

const rtp = (signal: Signal, parameters: Kept | undefined) =>
  inTurn(
    () => expectMedia(signal, parameters?.get('mediaChannel')),
    () => expectMedia(signal, parameters?.get('mediaControlChannel')),
  )

const ofChannel = (channel: Kept | undefined): Kept | undefined => channel?.get('multiplexParameters')?.get('h2250')

const localAddress = (message: Kept): Kept | undefined =>
  message.get('separateStack')?.get('networkAddress')?.get('localAreaAddress')

/** process_olc. */
export function openChannel(signal: Signal, message: Kept): Helped {
  const application = message.get('forward')?.get('dataType')?.get('data')?.get('application')
  const documents = application?.get('t120')?.choice === 'separateLANStack'
  return inTurn(
    () => rtp(signal, ofChannel(message.get('forward'))),
    () => rtp(signal, ofChannel(message.get('reverse'))),
    () => (documents ? expectData(signal, localAddress(message)) : ACCEPT),
  )
}

/** process_olca. */
const acknowledgeChannel = (signal: Signal, message: Kept): Helped =>
  inTurn(
    () => rtp(signal, ofChannel(message.get('reverse'))),
    () => rtp(signal, message.get('forwardAck')?.get('h2250')),
    () => expectData(signal, localAddress(message)),
  )

/** process_h245. */
export function control(signal: Signal, message: Kept): Helped {
  const open = message.get('request')?.get('openLogicalChannel')
  if (open) return openChannel(signal, open)
  const acknowledged = message.get('response')?.get('openLogicalChannelAck')
  return acknowledged ? acknowledgeChannel(signal, acknowledged) : ACCEPT
}

import { acceptBySourcePort } from './accept-by-source-port.js'
import { bothBackends } from './both-backends.js'
import { catchAllNotLast } from './catch-all-not-last.js'
import { chainUnreachable } from './chain-unreachable.js'
import { chainUnused } from './chain-unused.js'
import { equalPriorities } from './equal-priorities.js'
import { flushLocksOut } from './flush-locks-out.js'
import { invalidNotTranslated } from './invalid-not-translated.js'
import { ipv6Open } from './ipv6-open.js'
import { jumpToEmptyChain } from './jump-to-empty-chain.js'
import { limitAfterEstablished } from './limit-after-established.js'
import { logWithoutLimit } from './log-without-limit.js'
import { loopbackDropped } from './loopback-dropped.js'
import { markAfterRouting } from './mark-after-routing.js'
import { masqueradeEverything } from './masquerade-everything.js'
import { matchesBeforeNat } from './matches-before-nat.js'
import { natWithoutForwarding } from './nat-without-forwarding.js'
import { ndpBlocked } from './ndp-blocked.js'
import { noEstablishedAccept } from './no-established-accept.js'
import { oneWayRoute } from './one-way-route.js'
import { pathMtuBlocked } from './path-mtu-blocked.js'
import { publishedPortBypassesInput } from './published-port-bypasses-input.js'
import { redirectLoop } from './redirect-loop.js'
import { routeLocalnet } from './route-localnet.js'
import { ruleContradicted } from './rule-contradicted.js'
import { ruleMatchesNothing } from './rule-matches-nothing.js'
import { ruleOutOfPlace } from './rule-out-of-place.js'
import { ruleRedundant } from './rule-redundant.js'
import { ruleShadowed } from './rule-shadowed.js'
import { setDimensions } from './set-dimensions.js'
import { setMissing } from './set-missing.js'
import { stateBeforeTracking } from './state-before-tracking.js'
import type { LintRule } from './types.js'
import { unknownInterface } from './unknown-interface.js'

/** Everything that `packetwalk lint` looks for. Adding one: its file, its page in docs/lint, its planted ruleset and clean twin, one line here. */
export const LINT_RULES: readonly LintRule[] = [
  acceptBySourcePort,
  bothBackends,
  catchAllNotLast,
  chainUnreachable,
  chainUnused,
  equalPriorities,
  flushLocksOut,
  invalidNotTranslated,
  ipv6Open,
  jumpToEmptyChain,
  limitAfterEstablished,
  logWithoutLimit,
  loopbackDropped,
  markAfterRouting,
  masqueradeEverything,
  matchesBeforeNat,
  natWithoutForwarding,
  ndpBlocked,
  noEstablishedAccept,
  oneWayRoute,
  pathMtuBlocked,
  publishedPortBypassesInput,
  redirectLoop,
  routeLocalnet,
  ruleContradicted,
  ruleMatchesNothing,
  ruleOutOfPlace,
  ruleRedundant,
  ruleShadowed,
  setDimensions,
  setMissing,
  stateBeforeTracking,
  unknownInterface,
]

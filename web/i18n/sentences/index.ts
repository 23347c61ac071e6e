import { DEVICES } from './devices.js'
import { DIFF, DIFF_COMPOSED } from './diff.js'
import { HELPERS } from './helpers.js'
import { LINE, LINE_COMPOSED } from './line.js'
import { LINK, LINK_COMPOSED } from './link.js'
import { LINT, LINT_COMPOSED } from './lint.js'
import { Phrasebook, type Sentences } from './match.js'
import { REACH, REACH_COMPOSED } from './reach.js'
import { LABELS, LOOSE, REASONS, REASONS_COMPOSED } from './reasons.js'
import { RULES, RULES_COMPOSED } from './rules.js'
import { SNAPSHOT, SNAPSHOT_COMPOSED } from './snapshot.js'
import { WALK, WALK_COMPOSED } from './walk.js'

/** Every sentence that the engine says, as it stands in its source. */
export const SENTENCES: Sentences = {
  ...WALK,
  ...DEVICES,
  ...RULES,
  ...LABELS,
  ...REASONS,
  ...SNAPSHOT,
  ...LINT,
  ...LINE,
  ...REACH,
  ...LINK,
  ...DIFF,
  ...HELPERS,
}

/** What several of them make together. */
export const COMPOSED: Sentences = {
  ...WALK_COMPOSED,
  ...RULES_COMPOSED,
  ...REASONS_COMPOSED,
  ...SNAPSHOT_COMPOSED,
  ...LINT_COMPOSED,
  ...LINE_COMPOSED,
  ...REACH_COMPOSED,
  ...LINK_COMPOSED,
  ...DIFF_COMPOSED,
}

export const chinese = new Phrasebook({ ...COMPOSED, ...SENTENCES }, LOOSE)

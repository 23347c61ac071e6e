import { BASICS } from './basics.js'
import type { Lesson } from './lesson.js'
import { NAT } from './nat.js'
import { STATE } from './state.js'
import { WORLDS } from './worlds.js'

/** The course, in the order in which it is best taken. */
export const LESSONS: readonly Lesson[] = [...BASICS, ...STATE, ...NAT, ...WORLDS]

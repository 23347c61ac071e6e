import { language } from './index.js'
import { chinese } from './sentences/index.js'

/** A sentence of the engine in the chosen language. */
export const say = (text: string): string => (language.value === 'zh' ? chinese.say(text) : text)

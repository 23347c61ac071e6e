import { computed, effect, signal } from '@preact/signals'
import { type Dictionary, en, type Key } from './en.js'
import { zh } from './zh.js'

export type Language = 'en' | 'zh'

const DICTIONARIES: Readonly<Record<Language, Dictionary>> = { en, zh }

export const language = signal<Language>(navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en')
const dictionary = computed(() => DICTIONARIES[language.value])

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
})

/** A text in the chosen language; `{name}` is filled in. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return dictionary.value[key].replace(/\{(\w+)\}/g, (_, name: string) =>
    (values[name] ?? '').toLocaleString(language.value),
  )
}

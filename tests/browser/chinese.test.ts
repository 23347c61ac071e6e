import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LESSONS } from '../../web/learn/index.js'
import { PRESETS, SAMPLES } from '../../web/samples.js'
import { hasEnglish } from '../support/english.js'
import { ask, CHROMIUM, Site } from './page.js'

/** Every text that can be read, heard or pointed at, but what is quoted: rules, files, commands. */
const textsOf = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => {
    const texts: string[] = []
    const quoted = 'code, pre, textarea, datalist, option, noscript, script, style, .source'
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
      const { parentElement, textContent } = walker.currentNode
      if (!parentElement?.closest(quoted)) texts.push(textContent ?? '')
    }
    // the tooltip of a stage ends in the place in the kernel's source, and that of a rule is the rule
    for (const title of document.querySelectorAll('svg title'))
      texts.push((title.textContent ?? '').split('\n').slice(0, -1).join(' '))
    for (const element of document.querySelectorAll('[aria-label], [title]')) {
      texts.push(element.getAttribute('aria-label') ?? '')
      if (!element.querySelector('code')) texts.push(element.getAttribute('title') ?? '')
    }
    return texts
  })

describe.skipIf(!CHROMIUM)('the page in Chinese', () => {
  const site = new Site()
  let url = ''
  beforeAll(async () => {
    await site.start()
    url = await site.serve()
  }, 120_000)
  afterAll(() => site.stop())

  const left = new Set<string>()
  const look = async (page: Page) => {
    for (const text of await textsOf(page)) if (hasEnglish(text)) left.add(text)
  }

  test('no English sentence is left on it: every sample, every preset, every stage', async () => {
    const { page, faults } = await site.open(url, { locale: 'zh-CN' })
    await page.waitForSelector('.outcome')
    for (const sample of SAMPLES) {
      await page.selectOption('header select', sample)
      await page.waitForSelector('.outcome')
      for (const { packet } of PRESETS[sample]) {
        await ask(page, packet)
        const last = Number(await page.getAttribute('input[type=range]', 'max'))
        await page.locator('h1').click()
        for (let i = 0; i < last; i++) {
          await page.keyboard.press('ArrowRight')
          await look(page)
        }
      }
    }
    // what is wrong in the rules, what is missing, a change and what it does, a rule, a line that cannot be read
    for (const summary of await page.locator('summary').all()) await summary.click()
    await page.waitForSelector('.finding')
    await page.fill('input[name=command]', 'iptables -I INPUT 1 -p tcp --dport 22 -j DROP')
    await page.press('input[name=command]', 'Enter')
    await page.waitForSelector('.changes li')
    await page.waitForSelector('.differences')
    await page.locator('.rule .text').first().click()
    await look(page)
    await ask(page, 'tcp > nowhere:80')
    await page.waitForSelector('#line-problem')
    await look(page)
    expect([...left]).toEqual([])
    expect(faults).toEqual([])
    await page.close()
  }, 180_000)

  test('the lessons', async () => {
    const { page } = await site.open(url, { locale: 'zh-CN' })
    await page.waitForSelector('.outcome')
    await page.getByRole('button', { name: '学习' }).click()
    for (const [i] of LESSONS.entries()) {
      await page.selectOption('.learn select', { index: i })
      await page.locator('.learn input[type=radio]').first().check()
      await page.waitForSelector('.learn .good, .learn .bad')
      await look(page)
    }
    expect([...left]).toEqual([])
    await page.close()
  }, 120_000)
})

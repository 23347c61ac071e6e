/** node bin/pictures.mjs [FOLDER]: the pictures of docs/page.md, taken of dist/web with Chromium, in both themes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const folder = process.argv[2] ?? 'docs/images'
const served = spawn(process.execPath, ['dist/cli.js', 'ui'], { stdio: ['ignore', 'pipe', 'inherit'] })
const url = String((await once(served.stdout, 'data'))[0]).trim()
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })

/** Steps along the way. */
async function step(page, count) {
  await page.locator('h1').click()
  for (let i = 0; i < count; i++) await page.keyboard.press('ArrowRight')
}
async function sample(page, name) {
  await page.selectOption('header select', name)
  await page.waitForFunction((title) => document.querySelector('#map-title')?.textContent?.endsWith(title), name)
}
const command = async (page, text) => {
  await page.fill('input[name=command]', text)
  await page.press('input[name=command]', 'Enter')
}

/** Each view: what is done before it is taken, and which part of the page it is. */
const VIEWS = {
  service: { run: (page) => step(page, 1) },
  rules: {
    part: '.rules',
    async run(page) {
      await step(page, 1)
      await page.check('input[name=whole]')
      await page.fill('input[name=chain]', 'nat KUBE-SERVICES (nft)')
      await page.waitForSelector('.rule.yes')
      await page.locator('.rule.yes .text').last().click()
      await page.waitForSelector('.rule-detail .packets li')
    },
  },
  'what-if': {
    part: '.what-if',
    async run(page) {
      await sample(page, 'docker-ufw-host')
      await page.locator('.presets .chip').first().click()
      await command(page, 'iptables -I DOCKER-USER 1 -i eth0 ! -s 192.0.2.0/24 -j DROP')
      await page.waitForSelector('.difference-row')
      await page.waitForSelector('.difference ins')
    },
  },
  questions: {
    part: '.questions',
    async run(page) {
      await sample(page, 'docker-ufw-host')
      await page.getByText('What gets from here to there?').click()
      await page.selectOption('select[name=at]', 'docker-ufw-host')
      await page.fill('input[name=to]', '172.17.0.2:80/tcp')
      await page.press('input[name=to]', 'Enter')
      await page.waitForSelector('.reach-answer')
      await page.getByText('Who reaches what, over all packets?').click()
      await page.waitForSelector('.all-matrix td.works', { timeout: 60_000 })
    },
  },
  'lesson-zh': {
    locale: 'zh-CN',
    async run(page) {
      await page.getByRole('button', { name: '学习' }).click()
      await page.selectOption('.learn select', { index: 7 })
      await page.waitForSelector('.outcome')
      await page.locator('.learn input[type=radio]').nth(1).check()
      await page.waitForSelector('.learn .good, .learn .bad')
      await step(page, 3)
    },
  },
  phone: { viewport: { width: 390, height: 1100 }, run: (page) => step(page, 4) },
}

for (const [name, { part, locale = 'en', viewport = { width: 1440, height: 980 }, run }] of Object.entries(VIEWS))
  for (const colorScheme of ['light', 'dark']) {
    const page = await browser.newPage({ viewport, colorScheme, locale, reducedMotion: 'reduce' })
    await page.goto(url)
    await page.waitForSelector('.outcome')
    await page.waitForSelector('.topology svg')
    await run(page)
    await page.waitForTimeout(500)
    const path = join(folder, `${name}-${colorScheme}.png`)
    if (part) await page.locator(part).screenshot({ path })
    else {
      await page.evaluate(() => scrollTo(0, 0))
      await page.screenshot({ path })
    }
    await page.close()
  }
await browser.close()
served.kill()

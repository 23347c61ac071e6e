import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFolder } from '../../src/snapshot/files.js'
import { CHROMIUM, Site } from './page.js'

const root = join(import.meta.dirname, '../..')

/** node1 of the sample with what kube-proxy writes for 10,000 Services in place of its rules: 190,000 lines. */
async function largeNode(): Promise<string> {
  const rules = (await import(pathToFileURL(join(root, 'bench/kube-rules.mjs')).href)) as {
    kubeRules(services: number): string
  }
  const files = await readFolder(join(root, 'samples/k8s-cluster'))
  const text = rules.kubeRules(10_000)
  return JSON.stringify(
    files
      .filter(({ path }) => !/node1\/nft-ruleset/.test(path))
      .map((file) => (/node1\/iptables-save$/.test(file.path) ? { ...file, text } : file)),
  )
}

interface Timing {
  readonly name: string
  readonly took: number
}
type Measured = typeof globalThis & { timings: Timing[]; tasks: number[] }

/** Notes how long the page takes for each thing that somebody does, and how long it is busy at a stretch. */
const measure = (page: Page) =>
  page.addInitScript(() => {
    const own = globalThis as unknown as Measured
    own.timings = []
    own.tasks = []
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceEventTiming[])
        own.timings.push({ name: entry.name, took: entry.processingEnd - entry.processingStart })
    }).observe({ type: 'event', durationThreshold: 16, buffered: true } as PerformanceObserverInit)
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) own.tasks.push(duration)
    }).observe({ type: 'longtask', buffered: true })
  })

/** What has been noted, in ms: how long one input took, the usual one and the longest, and the longest stretch. Begins anew. */
async function noted(page: Page): Promise<{ readonly usual: number; readonly input: number; readonly task: number }> {
  // entries come a moment later
  await page.waitForTimeout(300)
  return page.evaluate(() => {
    const own = globalThis as unknown as Measured
    const inputs = own.timings.map(({ took }) => took).sort((a, b) => a - b)
    const found = {
      usual: Math.round(inputs[inputs.length >> 1] ?? 0),
      input: Math.round(Math.max(0, ...inputs)),
      task: Math.round(Math.max(0, ...own.tasks)),
    }
    own.timings = []
    own.tasks = []
    return found
  })
}

/** Scrolls through a list in steps, one a frame: the times of the frames, sorted. */
const frames = (page: Page, step: number, count: number) =>
  page.locator('.rules .scroller').evaluate(
    async (list, [by, all]) => {
      const times: number[] = []
      for (let i = 0, last = performance.now(); i < all!; i++) {
        list.scrollTop += by!
        await new Promise(requestAnimationFrame)
        const now = performance.now()
        times.push(now - last)
        last = now
      }
      return times.sort((a, b) => a - b)
    },
    [step, count],
  )

describe.skipIf(!CHROMIUM)('how long one waits', () => {
  const site = new Site()
  let snapshot = ''
  beforeAll(async () => {
    await site.start()
    snapshot = await largeNode()
  }, 120_000)
  afterAll(() => site.stop())

  test('the first walk on a sample is there within two seconds', async () => {
    const url = await site.serve()
    const times: number[] = []
    // others may use the machine: the quickest of some
    while (times.length < 5 && !times.some((time) => time < 2000)) {
      const page = await site.browser.newPage()
      const start = performance.now()
      await page.goto(url)
      await page.waitForSelector('.outcome')
      times.push(performance.now() - start)
      await page.close()
    }
    console.log(`first walk after ${Math.round(Math.min(...times))} ms`)
    expect(Math.min(...times)).toBeLessThan(2000)
  })

  test('10,000 Services are typed, stepped and scrolled without waiting', async () => {
    const page = await site.browser.newPage({ viewport: { width: 1600, height: 1000 } })
    await measure(page)
    await page.goto(await site.serve(snapshot))
    await page.waitForSelector('button[type=submit]:not([disabled])', { timeout: 60_000 })
    const opening = await noted(page)

    await page.locator('input[name=packet]').pressSequentially('tcp > 10.100.39.15:80 from node1', { delay: 20 })
    const typing = await noted(page)
    await page.press('input[name=packet]', 'Enter')
    await page.waitForSelector('.outcome', { timeout: 60_000 })
    const walking = await noted(page)

    await page.locator('h1').click()
    for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowRight')
    const stepping = await noted(page)

    await page.check('input[name=whole]')
    await page.fill('input[name=chain]', 'nat KUBE-SERVICES (nft)')
    await expect.poll(() => page.textContent('.rules')).toContain('190,')
    await expect.poll(() => page.locator('.rule code').first().textContent()).toContain('KUBE-SERVICES')
    await page.locator('input[name=chain]').selectText()
    await page.locator('input[name=chain]').pressSequentially('KUBE-SEP-AB', { delay: 20 })
    const choosing = await noted(page)

    await page.locator('h1').click()
    const wheel = await frames(page, 300, 200)
    const jumps = await frames(page, -40_000, 200)
    const rows = await page.locator('.rule').count()

    await page.locator('input[name=command]').pressSequentially('iptables -t nat -A KUBE-SER', { delay: 20 })
    const console_ = await noted(page)
    const median = (times: readonly number[]) => Math.round(times[times.length >> 1]!)
    console.log(
      `longest in ms: opening ${opening.task}, typing ${typing.input}, walking ${walking.task}, stepping ${stepping.input}, choosing a chain ${choosing.input}, console ${console_.input}; frames: ${median(wheel)} with the wheel, ${median(jumps)} in jumps`,
    )
    // the longest is longer where others use the machine
    for (const input of [typing, stepping, choosing, console_]) expect(input.usual).toBeLessThan(50)
    // what is in sight, however long the list
    expect(rows).toBeLessThan(60)
    expect(median(wheel)).toBeLessThan(50)
    expect(median(jumps)).toBeLessThan(50)
    await page.close()
  }, 180_000)
})

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { type Served, serveUi } from '../../src/cli/ui-server.js'

const root = join(import.meta.dirname, '../..')

/** Chromium as distributions install it; undefined: none here. */
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)

/** The page, built for the test and served as `packetwalk ui` serves it. */
export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'packetwalk-page-'))
  browser!: Browser
  #served: Served[] = []

  async start(): Promise<void> {
    await build({
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: this.folder, emptyOutDir: true },
    })
    this.browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] })
  }

  async serve(snapshot?: string): Promise<string> {
    const served = await serveUi({ root: this.folder, snapshot, port: 0 })
    this.#served.push(served)
    return served.url
  }

  /** A page with one walk on it, and what went wrong in it. */
  async open(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; faults: string[] }> {
    const page = await this.browser.newPage(options)
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    page.on('dialog', (dialog) => {
      faults.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(new URL(url).origin)) faults.push(`request to ${request.url()}`)
    })
    await page.goto(url)
    return { page, faults }
  }

  async stop(): Promise<void> {
    await this.browser?.close()
    for (const served of this.#served) await served.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What lies lit in the picture with the slider at a position, and of which namespace it is. */
export async function litAt(page: Page, position: number): Promise<{ place: string; lit: string[] }> {
  return page.evaluate(async (index) => {
    const slider = document.querySelector<HTMLInputElement>('input[type=range]')!
    slider.value = String(index)
    slider.dispatchEvent(new Event('input', { bubbles: true }))
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    const lit = [...document.querySelectorAll('.stage.lit')].map((stage) => stage.getAttribute('data-stage') ?? '')
    return { place: document.querySelector('.journey [aria-current]')?.textContent ?? '', lit: lit.sort() }
  }, position)
}

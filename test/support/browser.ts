import { type Browser, type Page, chromium } from 'playwright-core'

/** A page of the dashboard, and what its browser had to say that it should not have. */
export interface Visit {
  readonly page: Page
  /** Errors on the page, and refusals by its content policy. */
  readonly complaints: string[]
}

export interface TestBrowser extends AsyncDisposable {
  /** Opens a page, and does nothing there. */
  open(url: string): Promise<Visit>
  /** Opens a page and gives the token there, whatever comes of it. */
  knock(url: string, token: string): Promise<Visit>
  /** Opens a page and signs in. */
  visit(url: string, token: string): Promise<Visit>
}

/* A network that answers nobody lets Chromium try for long; nothing of this is needed here. */
const quiet = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** The real Chromium, without a window. */
export async function startBrowser(): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: quiet,
  })

  async function open(url: string): Promise<Visit> {
    const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } })
    page.setDefaultTimeout(20_000)
    const complaints: string[] = []
    page.on('pageerror', ({ message }) => complaints.push(message))
    // Also what a page tries that its console might not tell of.
    await page.addInitScript(`addEventListener('securitypolicyviolation', (event) => {
      console.error('refused by policy: ' + event.violatedDirective + ' ' + event.blockedURI)
    })`)
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(url)
    return { page, complaints }
  }

  async function knock(url: string, token: string): Promise<Visit> {
    const visit = await open(url)
    await visit.page.getByLabel('Token').fill(token)
    await visit.page.getByRole('button', { name: 'Sign in' }).click()
    return visit
  }

  return {
    open,
    knock,
    async visit(url, token) {
      const visit = await knock(url, token)
      await visit.page.getByRole('navigation').waitFor()
      return visit
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

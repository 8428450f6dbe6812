import type { TestContext } from 'node:test'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { requireDebian } from '@budao/testkit'

/** What a browser does of its own accord would only disturb the measurements of others. */
const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Where Debian's Chromium is. Undefined where it cannot be had: the test is then skipped, or fails with `CI=true`. */
export function requireChromium(t: TestContext): Promise<string | undefined> {
  return requireDebian(t, 'chromium', 'chromium')
}

/** A browser of the test's own, closed with it. */
export async function startChromium(t: TestContext, executablePath: string): Promise<Browser> {
  const browser = await chromium.launch({ executablePath, args: browserArguments })
  t.after(() => browser.close())
  return browser
}

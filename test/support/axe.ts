import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const axe = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'))

/** What keeps people out of a page as it is now, of what is serious or worse: rule and place. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axe, 'utf8'))
  const { violations } = await page.evaluate<AxeResults>('axe.run()')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id} at ${nodes[0]?.html}`)
}

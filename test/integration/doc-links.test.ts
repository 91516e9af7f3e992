import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

/* A page that leads nowhere costs its reader more than one that says nothing. */

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: root })
  .toString()
  .split('\n')
  .filter((page) => page !== '' && existsSync(join(root, page)))

const withoutCode = (text: string): string =>
  text.replaceAll(/^(```+|~~~+)[^\n]*\n[\s\S]*?^\1/gm, '').replaceAll(/`[^`\n]*`/g, 'code')

/** Anchors as Git hosts make them of headings. */
function anchorsOf(page: string): Set<string> {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/^(```+)[^\n]*\n[\s\S]*?^\1/gm, '')
  return new Set(
    [...text.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

describe('links of the pages', () => {
  for (const page of pages) {
    const links = [
      ...withoutCode(readFileSync(join(root, page), 'utf8')).matchAll(/\]\(([^)\s]+)\)/g),
    ].map(([, target = '']) => target)
    const inside = links.filter((target) => !/^[a-z]+:/.test(target))
    if (inside.length === 0) continue
    test(`${page}: each leads somewhere`, () => {
      for (const target of inside) {
        const [path = '', anchor] = target.split('#')
        const to = path === '' ? page : relative(root, join(root, dirname(page), path))
        assert.ok(existsSync(join(root, to)), `${target}: there is no ${to}`)
        if (anchor === undefined || !to.endsWith('.md')) continue
        assert.ok(anchorsOf(to).has(anchor), `${target}: ${to} has no such heading`)
      }
    })
  }
})

import assert from 'node:assert/strict'
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../../hub/cli/program.ts'
import type { Terminal } from '../../hub/cli/terminal.ts'
import { createFleetCheckout } from '../support/fleet-checkout.ts'
import { type MarkdownBlock, readBlocks, readCommands } from '../support/markdown.ts'
import { createTempDir } from '../support/temp-dir.ts'

const docs = fileURLToPath(new URL('../../deploy/docs', import.meta.url))
const example = fileURLToPath(new URL('../../deploy/example', import.meta.url))
const greeter = fileURLToPath(new URL('../../deploy/example-greeter', import.meta.url))
const guides = (await readdir(join(docs, 'guides'))).filter((name) => name.endsWith('.md')).sort()

async function blocksOf(guide: string): Promise<MarkdownBlock[]> {
  return readBlocks(await readFile(join(docs, 'guides', guide), 'utf8'))
}

/** Path → text of all files below a directory. */
async function readFiles(directory: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const place = join(entry.parentPath, entry.name)
    files[place.slice(directory.length + 1)] = await readFile(place, 'utf8')
  }
  return files
}

/** What a command says of itself; help needs nothing else of a terminal. */
async function readHelp(names: readonly string[]): Promise<string> {
  let text = ''
  const out = (more: string): void => void (text += more)
  const terminal: Partial<Terminal> = { out, say: out, color: false, env: {} }
  await runProgram([...names, '--help'], terminal as Terminal)
  return text
}

describe('the guides', () => {
  let root: string
  let files: Record<string, string>
  /** The example's other repository, and none of those that guides only name. */
  let others: readonly string[]
  before(async () => {
    root = (await createTempDir('guides')).path
    files = await readFiles(example)
    const other = await createFleetCheckout(root, await readFiles(greeter), 'greeter')
    others = ['--repository', `greeter=${other.directory}`]
  })

  it('begin with an example that is right', async () => {
    const checkout = await createFleetCheckout(root, files, 'example')
    const { out, said, code } = await checkout.swell(['check', '--strict', ...others])
    assert.equal(code, 0, `${out}${said}`)
    const rendered = await checkout.swell(['render', '--output', 'name', ...others])
    assert.equal(rendered.code, 0, rendered.said)
    for (const name of ['notice', 'storefront', 'greeter']) {
      assert.match(rendered.out, new RegExp(`^${name}: Deployment ${name}/${name}$`, 'm'))
    }
  })

  for (const guide of guides) {
    it(`${guide} has files that are right over the example, and each changes something`, async () => {
      const shown = (await blocksOf(guide)).filter(({ file }) => file !== null)
      if (shown.length === 0) return
      const laid = Object.fromEntries(shown.map(({ file, text }) => [file!, text]))
      for (const [file, text] of Object.entries(laid)) assert.notEqual(text, files[file])
      const checkout = await createFleetCheckout(root, { ...files, ...laid }, guide)
      const { out, said, code } = await checkout.swell(['check', ...others])
      assert.equal(code, 0, `${out}${said}`)
    })
  }

  it('name the file of each piece of configuration', async () => {
    for (const guide of guides) {
      for (const { language, file } of await blocksOf(guide)) {
        if (language === 'yaml' || language === 'rego') assert.ok(file, `${guide}: ${language}`)
      }
    }
  })

  it('show commands and options that swell has, with the words they ask for', async () => {
    const helps = new Map<string, Promise<string>>()
    const helpOf = (names: readonly string[]): Promise<string> => {
      const key = names.join(' ')
      const asked = helps.get(key) ?? readHelp(names)
      helps.set(key, asked)
      return asked
    }
    let seen = 0
    for (const guide of guides) {
      const shell = (await blocksOf(guide)).filter(({ language }) => language === 'sh')
      for (const words of shell.flatMap(({ text }) => readCommands(text, 'swell'))) {
        seen += 1
        const line = `${guide}: swell ${words.join(' ')}`
        const group = await helpOf(words.slice(0, 1))
        const hasMore = /^Usage: .*\[command\]/m.test(group)
        const names = words.slice(0, hasMore ? 2 : 1)
        const help = await helpOf(names)
        const usage = /^Usage: swell (.*)$/m.exec(help)?.[1] ?? ''
        assert.ok(usage.startsWith(names.join(' ')), `${line}: ${usage}`)
        const options = words.filter((word) => word.startsWith('-'))
        for (const option of options) {
          assert.match(help, new RegExp(`(^|[ ,])${option}([ ,]|$)`, 'm'), line)
        }
        // Words behind an option that takes none are counted as its value, so this is what is needed at least.
        const needed = usage.match(/<[^>]+>/g)?.length ?? 0
        const given = words.slice(names.length).filter((word) => !word.startsWith('-')).length
        assert.ok(given >= needed, `${line}: ${usage}`)
      }
    }
    assert.ok(seen > 30, `${seen}`)
  })

  it('link only to what is there', async () => {
    const pages = [...guides.map((name) => join('guides', name)), 'promises.md']
    for (const page of pages) {
      const text = await readFile(join(docs, page), 'utf8')
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
        await access(join(docs, dirname(page), target!))
      }
    }
  })
})

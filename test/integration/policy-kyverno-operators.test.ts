import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { createBench, policyOf } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'

const given = `apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop }
spec: { containers: [{ name: c, image: nginx }] }
`

test("Kyverno's condition operators answer as its own code does, for all pairs of a table", async () => {
  await using engine = await startRenderEngine()
  const bench = createBench(engine)
  const table = JSON.parse(
    await readFile(new URL('../vectors/policy/kyverno.json', import.meta.url), 'utf8'),
  ) as {
    readonly operands: readonly unknown[]
    readonly answers: Readonly<Record<string, readonly string[]>>
  }
  let asked = 0
  for (const [operator, rows] of Object.entries(table.answers)) {
    for (const [at, row] of rows.entries()) {
      const key = table.operands[at]
      const texts = table.operands.map((value, index) => ({
        name: String(index),
        match: { any: [{ resources: { kinds: ['Pod'] } }] },
        validate: { deny: { conditions: { all: [{ key, operator, value }] } } },
      }))
      const policy = policyOf({
        'p.json': JSON.stringify({
          ...{ apiVersion: 'kyverno.io/v1', kind: 'ClusterPolicy', metadata: { name: 'p' } },
          spec: { rules: texts },
        }),
      })
      const denied = new Set(
        (await bench.say(given, policy)).map((said) => /rule (\d+)/.exec(said)?.[1]),
      )
      const answer = texts.map(({ name }) => (denied.has(name) ? '1' : '0')).join('')
      // Where Kyverno's own code falls over there is nothing to be like.
      const expected = Array.from(row, (bit, index) => (bit === '!' ? answer[index] : bit)).join('')
      const first = Array.from(answer).findIndex((bit, index) => bit !== expected[index])
      assert.equal(
        answer,
        expected,
        `${JSON.stringify(key)} ${operator} ${JSON.stringify(table.operands[first])}`,
      )
      asked += row.length
    }
  }
  assert.ok(asked > 40_000, String(asked))
})

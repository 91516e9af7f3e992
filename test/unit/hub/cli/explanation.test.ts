import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { schemaNames, toJsonSchema } from '../../../../hub/fleet/load/json-schema.ts'
import { explain } from '../../../../hub/cli/explanation.ts'
import { runProgram } from '../../../../hub/cli/program.ts'
import { createFakeTerminal } from '../../../support/fake-terminal.ts'

async function run(field: string) {
  const { terminal, said } = createFakeTerminal()
  return { code: await runProgram(['explain', field], terminal), ...said }
}

describe('swell explain', () => {
  it('tells of a field: type, whether it must be there, an example, and its own fields', async () => {
    const { code, out } = await run('application.spec.source')
    assert.equal(code, 0)
    assert.match(out, /^Field: +Application\.spec\.source$/m)
    assert.match(out, /^Type: +object$/m)
    assert.match(out, /^Required: +yes$/m)
    assert.match(out, /^Where its objects come from\.$/m)
    assert.match(out, /^path\* +string +Directory in the repository\.$/m)
    assert.match(out, /^repository +string /m)
  })

  it('steps into lists and into names that people choose', async () => {
    const { out } = await run('Application.metadata.labels.team')
    assert.match(out, /^Type: +string$/m)
    assert.match(out, /^Example: +metadata:\n +labels:\n +team: "…"$/m)
    assert.match((await run('Application.spec.source.directory.include')).out, /list of string/)
  })

  it('says what is meant by a field that is not there', async () => {
    const { code, out, err } = await run('Application.spec.sorce')
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, /Application\.spec has no field "sorce", did you mean "?source/)
    assert.match((await run('Aplication')).err, /there is no kind "Aplication"/)
  })

  it('knows every field of every kind', () => {
    for (const name of schemaNames.filter((one) => one !== 'fleet')) {
      const schema = toJsonSchema(name)!
      const visit = (path: readonly string[]): number => {
        const text = explain(schema, path, name)
        assert.match(text, /^Type: +\S/m, path.join('.'))
        const table = text.split('\nFIELD ')[1]?.split('\n').slice(1, -1) ?? []
        if (path.length > 5) return 1
        return table.reduce((sum, row) => {
          return sum + visit([...path, row.split(/\*? /)[0]!])
        }, 1)
      }
      assert.ok(visit([]) > 3, name)
    }
  })
})

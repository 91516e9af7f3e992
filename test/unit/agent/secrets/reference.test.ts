import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { allowsPath, listReferences } from '../../../../agent/secrets/reference.ts'

const secret = (rest: object) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' } },
  ...rest,
})
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('listReferences', () => {
  it('finds what stringData and data refer to, and nothing else', () => {
    const body = secret({
      stringData: { password: 'vault:secret/data/shop/db#password', user: 'admin' },
      data: { url: base64('vault:team/kv/data/db#url'), icon: base64('not one: vault:a#b') },
    })
    assert.deepEqual(
      listReferences(body).map(({ place, path, key }) => [place, path, key]),
      [
        ['data.url', 'team/kv/data/db', 'url'],
        ['stringData.password', 'secret/data/shop/db', 'password'],
      ],
    )
  })

  it('finds none in another kind, nor in what SOPS encrypted', () => {
    const stringData = { password: 'vault:secret/data/db#password' }
    assert.deepEqual(listReferences({ ...secret({ stringData }), kind: 'ConfigMap' }), [])
    assert.deepEqual(listReferences({ ...secret({ stringData }), apiVersion: 'x.io/v1' }), [])
    assert.deepEqual(listReferences(secret({ stringData, sops: {} })), [])
  })

  it('refuses what is not a reference, each fault told and no text quoted', () => {
    const wrong: Record<string, [text: string, words: RegExp]> = {
      noKey: ['vault:secret/data/db', /noKey: not vault:PATH#KEY/],
      emptyKey: ['vault:secret/data/db#', /emptyKey: not vault:PATH#KEY/],
      more: ['vault:secret/data/db#a#b', /more: not vault:PATH#KEY/],
      noPath: ['vault:#a', /noPath: its path has an empty step/],
      noData: ['vault:secret/db#a', /noData: its path is not MOUNT\/data\/NAME/],
      noName: ['vault:secret/data#a', /noName: its path is not MOUNT\/data\/NAME/],
      noMount: ['vault:data/db#a', /noMount: its path is not MOUNT\/data\/NAME/],
      up: ['vault:secret/data/../../sys/seal#a', /up: its path has an empty step/],
      query: ['vault:secret/data/db?list=true#a', /query: its path has an empty step/],
      escape: ['vault:secret/data/%2e%2e/x#a', /escape: its path has an empty step/],
      root: ['vault:/secret/data/db#a', /root: its path has an empty step/],
    }
    const stringData = Object.fromEntries(Object.entries(wrong).map(([key, [text]]) => [key, text]))
    for (const [key, [text, words]] of Object.entries(wrong)) {
      assert.throws(
        () => listReferences(secret({ stringData: { [key]: text } })),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'secret_malformed')
          assert.match(error.message, words)
          assert.ok(!error.message.includes(text))
          return true
        },
      )
    }
    assert.throws(
      () => listReferences(secret({ stringData })),
      /noKey: .*; stringData\.emptyKey: .*; stringData\.more: /,
    )
  })

  it('refuses more than a hundred in one Secret', () => {
    const many = Array.from({ length: 101 }, (_, at) => [`k${at}`, `vault:secret/data/db#k${at}`])
    assert.throws(() => listReferences(secret({ stringData: Object.fromEntries(many) })), /101/)
  })

  const step = fc.oneof(
    fc.constantFrom('secret', 'data', 'db', 'a b', '..', '.', '', '%2e%2e', '?a', '#', 'é', '\\'),
    fc.string({ maxLength: 5 }),
  )

  it('never lets a path lead out of its mount, whatever is written', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 6 }), (steps) => {
        let found
        try {
          found = listReferences(secret({ stringData: { a: `vault:${steps.join('/')}#key` } }))
        } catch {
          return
        }
        assert.equal(found.length, 1)
        for (const one of found) {
          const url = new URL(
            `https://vault/v1/${one.path.split('/').map(encodeURIComponent).join('/')}`,
          )
          assert.equal(decodeURIComponent(url.pathname), `/v1/${one.path}`)
          assert.equal(url.search + url.hash, '')
        }
      }),
    )
  })
})

describe('allowsPath', () => {
  const paths = ['secret/data/{namespace}/*', 'secret/data/shared']
  it('allows what is listed, for the namespace of the Secret', () => {
    assert.ok(allowsPath(undefined, 'any/data/thing', 'shop'))
    assert.ok(allowsPath(paths, 'secret/data/shop/db', 'shop'))
    assert.ok(allowsPath(paths, 'secret/data/shared', 'till'))
    for (const path of [
      'secret/data/till/db',
      'secret/data/shopping/db',
      'secret/data/shop',
      'secret/data/shared/more',
      'other/data/shop/db',
    ]) {
      assert.ok(!allowsPath(paths, path, 'shop'), path)
    }
  })
})

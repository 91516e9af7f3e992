import { useState } from 'preact/hooks'
import type { TokenView } from '../../client/gen/api.ts'
import { ApiError, call } from '../data/client.ts'

/** A join token for a cluster that Git declares, and what to run on it. */
export function Join() {
  const [name, setName] = useState('')
  const [image, setImage] = useState('')
  const [made, setMade] = useState<TokenView>()
  const [fault, setFault] = useState('')
  async function make(event: Event): Promise<void> {
    event.preventDefault()
    setFault('')
    try {
      setMade(await call('createToken', { path: { name }, body: {} }))
    } catch (error) {
      setFault(error instanceof ApiError ? error.message : String(error))
    }
  }
  return (
    <details class="card">
      <summary>Let a cluster join</summary>
      <form class="row" onSubmit={(event) => void make(event)}>
        <label>
          Name of a cluster that Git declares
          <input value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>
          Image of the agent
          <input
            value={image}
            placeholder="registry.example/groundswell-agent:1"
            spellcheck={false}
            onInput={(event) => setImage(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={name === ''}>
          Make a token
        </button>
      </form>
      {fault !== '' && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {made && (
        <>
          <p>
            Good until <time dateTime={made.expiresAt}>{made.expiresAt}</time>, once, for{' '}
            {made.cluster}. It is not shown again. This installs the agent, with kubectl’s context
            at that cluster{image === '' && <>; IMAGE is yours of the agent</>}:
          </p>
          <pre>{sayInstall(made, image.trim() || 'IMAGE')}</pre>
        </>
      )}
    </details>
  )
}

function sayInstall({ cluster, address, token }: TokenView, image: string): string {
  return `swell agent manifest ${cluster} --image ${image} --hub ${address} --token ${token} | kubectl apply --server-side -f -`
}

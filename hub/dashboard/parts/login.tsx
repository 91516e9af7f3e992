import { useState } from 'preact/hooks'
import { isKnown } from '../data/client.ts'
import { signIn } from '../session.ts'

export function Login() {
  const [text, setText] = useState('')
  const [fault, setFault] = useState('')
  async function enter(event: Event): Promise<void> {
    event.preventDefault()
    setFault('')
    try {
      if (await isKnown(text.trim())) signIn(text.trim())
      else setFault('The hub does not know this token.')
    } catch (error) {
      setFault((error as Error).message)
    }
  }
  return (
    <main class="login">
      <form onSubmit={(event) => void enter(event)}>
        <h1>Groundswell</h1>
        <label>
          Token
          <input
            type="password"
            value={text}
            autocomplete="current-password"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        {fault !== '' && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class="primary" disabled={text.trim() === ''}>
          Sign in
        </button>
        <p class="quiet">
          It stays in this tab and is gone with it. The first one is in the hub’s data directory, in{' '}
          <code>admin-token</code>.
        </p>
      </form>
    </main>
  )
}

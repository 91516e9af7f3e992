import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../data/client.ts'

export interface Question {
  readonly title: string
  /** What comes of it, in sentences. */
  readonly words: string
  /** What would change by it, where that is known. */
  readonly shown?: ComponentChildren
  /** Has to be typed, where something is deleted or undone. */
  readonly typed?: string
  readonly action: string
  /** With the reason that was given. @throws ApiError */
  readonly run: (reason: string) => Promise<void>
}

const asked = signal<Question | null>(null)

/** Asks before anything is done. */
export function ask(question: Question): void {
  asked.value = question
}

/** The one dialog of the page. */
export function Confirm() {
  const question = asked.value
  const dialog = useRef<HTMLDialogElement>(null)
  const [typed, setTyped] = useState('')
  const [reason, setReason] = useState('')
  const [fault, setFault] = useState('')
  const [running, setRunning] = useState(false)
  useEffect(() => {
    setTyped('')
    setReason('')
    setFault('')
    if (question) dialog.current?.showModal()
    else dialog.current?.close()
  }, [question])
  const ready = question?.typed === undefined || typed === question.typed

  async function act(event: Event): Promise<void> {
    event.preventDefault()
    if (!question || !ready || running) return
    setRunning(true)
    try {
      await question.run(reason)
      asked.value = null
    } catch (error) {
      setFault(error instanceof ApiError ? error.message : String(error))
    } finally {
      setRunning(false)
    }
  }

  return (
    <dialog ref={dialog} onClose={() => (asked.value = null)} aria-labelledby="question">
      {question && (
        <form onSubmit={(event) => void act(event)}>
          <h2 id="question">{question.title}</h2>
          <p>{question.words}</p>
          {question.shown}
          {question.typed !== undefined && (
            <label>
              Type <code>{question.typed}</code> to go on
              <input
                value={typed}
                onInput={(event) => setTyped(event.currentTarget.value)}
                autocomplete="off"
                spellcheck={false}
              />
            </label>
          )}
          <label>
            Reason, kept in the ledger
            <input
              value={reason}
              maxLength={500}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          </label>
          {fault !== '' && (
            <p class="fault" role="alert">
              {fault}
            </p>
          )}
          <p class="buttons">
            <button type="button" onClick={() => (asked.value = null)}>
              Leave it
            </button>
            <button type="submit" class="primary" disabled={!ready || running}>
              {question.action}
            </button>
          </p>
        </form>
      )}
    </dialog>
  )
}

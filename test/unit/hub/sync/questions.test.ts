import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { DryRunAnswerSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { createQuestions } from '../../../../hub/sync/questions.ts'

const never = new AbortController().signal
const answer = (id: string) => create(DryRunAnswerSchema, { id })

describe('questions to an agent', () => {
  it('are answered by their id, whatever the order', async () => {
    const questions = createQuestions(async () => {})
    const [one, two] = [questions.ask({ id: '1' }, never), questions.ask({ id: '2' }, never)]
    questions.take(answer('2'))
    questions.take(answer('nobody'))
    questions.take(answer('1'))
    assert.deepEqual([(await one).id, (await two).id], ['1', '2'])
  })

  it('end with the stream, with whoever waits, and when they cannot be sent', async () => {
    const questions = createQuestions(async () => {})
    const open = questions.ask({ id: '1' }, never)
    questions.end()
    await assert.rejects(open, { code: 'conflict' })
    const stop = new AbortController()
    const given = questions.ask({ id: '2' }, stop.signal)
    stop.abort(new Error('enough'))
    await assert.rejects(given, /enough/)
    const broken = createQuestions(() => Promise.reject(new Error('gone')))
    await assert.rejects(broken.ask({ id: '3' }, never), /gone/)
  })

  it('I9 are a few at a time', async () => {
    const questions = createQuestions(async () => {})
    const open = ['1', '2', '3', '4'].map((id) => questions.ask({ id }, never))
    await assert.rejects(questions.ask({ id: '5' }, never), /busy/)
    for (const id of ['1', '2', '3', '4']) questions.take(answer(id))
    await Promise.all(open)
  })
})

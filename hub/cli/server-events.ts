/** Characters; longer lines are not ours. */
const lineLimit = 1024 * 1024

export interface ServerEvent {
  /** `message` when the stream gives it none. */
  readonly name: string
  readonly data: string
}

/** Name and data of each server-sent event (HTML standard, §9.2.6); ids and comments are skipped. */
export async function* readServerEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncIterable<ServerEvent> {
  const decoder = new TextDecoder()
  let pending = ''
  let data: string[] = []
  let name = ''
  for await (const chunk of body) {
    pending += decoder.decode(chunk, { stream: true })
    if (pending.length > lineLimit) throw new TypeError('a line of the event stream is too long')
    const lines = pending.split(/\r\n|\n|\r(?!$)/)
    pending = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { name: name || 'message', data: data.join('\n') }
        data = []
        name = ''
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5))
      } else if (line.startsWith('event:')) {
        name = line.slice(line[6] === ' ' ? 7 : 6)
      }
    }
  }
}

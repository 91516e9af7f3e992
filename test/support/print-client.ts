interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
}

interface Media {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>
}

interface Operation {
  readonly operationId: string
  readonly summary?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema?: Schema
  }[]
  readonly requestBody?: Media
  readonly responses: Readonly<Record<string, Media>>
}

export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/**
 * An OpenAPI document → TypeScript: a type for each schema, what each operation takes and answers,
 * and a table of methods and paths. Only what our own schemas are made of is known.
 *
 * @throws Error naming a schema of another make
 */
export function printClient({ paths, components }: OpenApiDocument): string {
  const names = new Map(
    Object.entries(components.schemas).map(([name, schema]) => [JSON.stringify(schema), name]),
  )
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => ['get', 'post', 'put', 'delete'].includes(method))
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )

  /** A schema that is also a component is printed by its name. */
  function print(schema: Schema): string {
    return names.get(JSON.stringify(schema)) ?? printInline(schema)
  }

  function printInline(schema: Schema): string {
    if (schema.$ref) return schema.$ref.split('/').at(-1)!
    if (schema.const !== undefined) return JSON.stringify(schema.const)
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
    const alternatives = schema.anyOf ?? schema.oneOf
    if (alternatives) return alternatives.map((one) => `(${print(one)})`).join(' | ')
    if (schema.allOf) return schema.allOf.map((one) => `(${print(one)})`).join(' & ')
    switch (schema.type) {
      case 'string':
        return 'string'
      case 'integer':
      case 'number':
        return 'number'
      case 'boolean':
        return 'boolean'
      case 'null':
        return 'null'
      case 'array':
        return `readonly (${schema.items ? print(schema.items) : 'unknown'})[]`
      case 'object':
        return printObject(schema)
      case undefined:
      default:
        throw new Error(`no TypeScript for ${JSON.stringify(schema)}`)
    }
  }

  function printObject(schema: Schema): string {
    const [pattern] = Object.values(schema.patternProperties ?? {})
    const rest =
      typeof schema.additionalProperties === 'object' ? schema.additionalProperties : pattern
    if (!schema.properties) return `Readonly<Record<string, ${rest ? print(rest) : 'unknown'}>>`
    const required = new Set(schema.required)
    const members = Object.entries(schema.properties).map(([name, member]) =>
      printMember(name, print(member), required.has(name), member.description),
    )
    return `{${members.join('\n')}}`
  }

  function printMember(name: string, type: string, required: boolean, words?: string): string {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)
    return `${comment(words)}readonly ${key}${required ? '' : '?'}: ${type}`
  }

  function printOperation({ operation }: (typeof operations)[number]): string {
    const { operationId, summary, parameters = [], requestBody, responses } = operation
    const parts: string[] = []
    for (const place of ['path', 'query'] as const) {
      const mine = parameters.filter((one) => one.in === place)
      if (mine.length === 0) continue
      const members = mine.map((one) =>
        printMember(
          one.name,
          // A query leaves out what is undefined.
          `${print(one.schema ?? { type: 'string' })}${one.required ? '' : ' | undefined'}`,
          one.required ?? false,
          one.description ?? one.schema?.description,
        ),
      )
      const optional = mine.every((one) => !one.required)
      parts.push(`readonly ${place}${optional ? '?' : ''}: {${members.join('\n')}}`)
    }
    const body = schemaOf(requestBody)
    if (body) parts.push(`readonly body: ${print(body)}`)
    parts.push(`readonly answer: ${printAnswer(responses)}`)
    return `${comment(summary)}readonly ${operationId}: {${parts.join('\n')}}`
  }

  function printAnswer(responses: Operation['responses']): string {
    const answer = answerOf(responses)
    return answer ? print(answer) : 'undefined'
  }

  const types = Object.entries(components.schemas).map(([name, schema]) => {
    const body = printInline(schema)
    const words = comment(schema.description)
    return body.startsWith('{')
      ? `${words}export interface ${name} ${body}`
      : `${words}export type ${name} = ${body}`
  })
  const table = operations.map(({ path, method, operation }) => {
    const answer = answerOf(operation.responses)
    const name = answer ? (answer.$ref?.split('/').at(-1) ?? null) : null
    return `${operation.operationId}: { method: '${method}', path: '${path}', answer: ${JSON.stringify(name)} },`
  })
  return `/* Made of the hub's OpenAPI document by \`npm run generate\`; never edited by hand. */

${types.join('\n\n')}

/** What each operation takes and answers, by its operationId. */
export interface Operations {
${operations.map(printOperation).join('\n\n')}
}

/** Where each operation is, and the schema of its answer by name. */
export const operations = {
${table.join('\n')}
} as const satisfies Record<
  keyof Operations,
  { readonly method: string; readonly path: string; readonly answer: string | null }
>
`
}

function schemaOf(media: Media | undefined): Schema | undefined {
  return media?.content?.['application/json']?.schema
}

/** Of the first success that has one in JSON. */
function answerOf(responses: Operation['responses']): Schema | undefined {
  const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  const schema = successes.map(([, media]) => schemaOf(media)).find((one) => one !== undefined)
  // The whole, before what is left of it when a caller picks fields.
  return schema?.anyOf?.find(({ $ref }) => $ref) ?? schema
}

function comment(words: string | undefined): string {
  return words ? `/** ${words.replaceAll('*/', '* /')} */\n` : ''
}

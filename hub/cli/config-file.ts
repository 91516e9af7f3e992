import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'
import { CliFailure } from './failure.ts'

const closed = { additionalProperties: false } as const
const ConfigFile = Type.Object(
  {
    currentContext: Type.Optional(Type.String()),
    contexts: Type.Record(
      Type.String(),
      Type.Object(
        {
          server: Type.String(),
          token: Type.Optional(Type.String()),
          tokenFile: Type.Optional(Type.String()),
          /** By the identity provider; `swell login` keeps it beside this file. */
          login: Type.Optional(Type.Literal('oidc')),
        },
        closed,
      ),
    ),
  },
  closed,
)
const configFile = Compile(ConfigFile)
export type ConfigFile = Static<typeof ConfigFile>

/** @throws CliFailure with everything that is wrong with it */
export function parseConfigFile(text: string, path: string): ConfigFile {
  let value: unknown
  try {
    value = parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliFailure(2, `${path}: not YAML: ${reason}`, { cause })
  }
  if (configFile.Check(value)) return value
  throw new CliFailure(2, `${path}: not a configuration of swell`, {
    lines: configFile.Errors(value).map((error) => `${error.instancePath}: ${error.message}`),
  })
}

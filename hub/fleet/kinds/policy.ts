import { type Static, Type } from 'typebox'
import { closed, LabelSelector, Name } from './fields.ts'
import { CelError, parseCel } from '@groundswell/proto/cel.ts'
import { checkInside, checkNames, checkPickers, type Names, type Report } from './names.ts'

/** What a violation does: `deny` keeps the last good content, the others only tell. */
export const PolicyAction = Type.Union([
  Type.Literal('deny'),
  Type.Literal('warn'),
  Type.Literal('audit'),
])

const Path = Type.String({ minLength: 1, maxLength: 1024 })

const Glob = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'a name; * stands for any text',
})

/** Objects a policy does not hold for; all fields given must fit. */
const PolicyException = Type.Object(
  {
    application: Type.Optional(Glob),
    kind: Type.Optional(Glob),
    namespace: Type.Optional(Glob),
    name: Type.Optional(Glob),
    /** For whoever reads it later; told with each violation that is let through. */
    reason: Type.String({ minLength: 1, maxLength: 500 }),
  },
  closed,
)

/** Who must have signed an image; keys and identities are alternatives. */
const SignatureRule = Type.Object(
  {
    /** Only images of these repositories, `registry.example.com/team/*`; all when left out. */
    images: Type.Optional(Type.Array(Glob, { minItems: 1, maxItems: 100 })),
    /** Files of the fleet repository with public keys in PEM, as cosign writes them. */
    keys: Type.Optional(Type.Array(Path, { minItems: 1, maxItems: 20 })),
    /** An attestation by one of them, in place of a signature. */
    attestation: Type.Optional(
      Type.Object(
        {
          /** The statement's type, `https://slsa.dev/provenance/v1`. */
          predicateType: Type.String({ minLength: 1, maxLength: 512 }),
          /** In CEL, of `predicate` and `statement`; all must hold of each that is attested. */
          conditions: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 4000 }), {
              minItems: 1,
              maxItems: 20,
            }),
          ),
        },
        closed,
      ),
    ),
    /** Who a certificate authority vouched for. */
    identities: Type.Optional(
      Type.Array(Type.Object({ issuer: Type.String({ minLength: 1 }), subject: Glob }, closed), {
        minItems: 1,
        maxItems: 100,
      }),
    ),
    /** A file of the fleet repository: the `trusted_root.json` of the Sigstore that vouches for them. */
    trustedRoot: Type.Optional(Path),
    /** A folder of the fleet repository in the OCI layout; the image's own registry when left out. */
    layout: Type.Optional(Path),
    /** Name of a credential the hub's own configuration defines, for the registry. */
    credential: Type.Optional(Type.String({ minLength: 1 })),
  },
  closed,
)

const ImageRules = Type.Object(
  {
    /** Every image must be named by its digest. */
    requireDigest: Type.Optional(Type.Boolean()),
    /** Registries, or beginnings of repository paths: `registry.example.com/team`. */
    allowedRegistries: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 100 }),
    ),
    /** Where the rules of Kyverno that are in `files` find what they ask of images. */
    kyverno: Type.Optional(
      Type.Object(
        {
          /** A file of the fleet repository: who vouches for their keyless signers. */
          trustedRoot: Type.Optional(Path),
          /** A folder of the fleet repository in the OCI layout; the image's own registry when left out. */
          layout: Type.Optional(Path),
          /** Name of a credential the hub's own configuration defines, for the registry. */
          credential: Type.Optional(Type.String({ minLength: 1 })),
        },
        closed,
      ),
    ),
    /** Signatures and attestations of cosign, each rule by itself. */
    signatures: Type.Optional(Type.Array(SignatureRule, { minItems: 1, maxItems: 20 })),
  },
  closed,
)

export const PolicySpec = Type.Object(
  {
    description: Type.Optional(Type.String()),
    /** At most this comes of a violation, whatever the rule says; `deny` when left out. */
    action: Type.Optional(PolicyAction),
    /** Only applications of these projects; all applications when left out. */
    projects: Type.Optional(Type.Array(Name, { minItems: 1 })),
    /** Only applications with these labels. */
    applicationSelector: Type.Optional(LabelSelector),
    /** Only on clusters that fit; all three may be given. */
    clusterSelector: Type.Optional(LabelSelector),
    clusterGroup: Type.Optional(Name),
    clusters: Type.Optional(Type.Array(Name)),
    /**
     * Files or folders of the fleet repository, from its root: ValidatingAdmissionPolicies with
     * their bindings and parameters, Rego, ConstraintTemplates with their constraints.
     */
    files: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 100 })),
    images: Type.Optional(ImageRules),
    /** Has this policy's action and exceptions govern the search for secrets in plain text. */
    secrets: Type.Optional(Type.Object({}, closed)),
    /** Has this policy's action and exceptions govern what its cluster's version no longer serves. */
    removedApis: Type.Optional(Type.Object({}, closed)),
    /** Has this policy's action and exceptions govern what the schemas of its cluster's version say. */
    schema: Type.Optional(Type.Object({}, closed)),
    exceptions: Type.Optional(Type.Array(PolicyException, { maxItems: 1000 })),
  },
  closed,
)

export type PolicyAction = Static<typeof PolicyAction>
export type PolicySpec = Static<typeof PolicySpec>
export type PolicyException = Static<typeof PolicyException>
export type ImageRules = Static<typeof ImageRules>

/** Names that conditions on what is attested may use. */
export const attestationVariables = ['predicate', 'statement'] as const

export function checkPolicy(spec: PolicySpec, names: Names, report: Report): void {
  const rules = [spec.files, spec.images, spec.secrets, spec.removedApis, spec.schema]
  if (rules.every((rule) => rule === undefined)) {
    report(['spec'], 'judges nothing: give `files`, `images`, `secrets`, `removedApis` or `schema`')
  }
  const { requireDigest, allowedRegistries, signatures, kyverno } = spec.images ?? {}
  if (spec.images && !requireDigest && !allowedRegistries && !signatures && !kyverno) {
    const words = 'judges nothing: give `requireDigest`, `allowedRegistries` or `signatures`'
    report(['spec', 'images'], words)
  }
  if (kyverno) {
    const place = ['spec', 'images', 'kyverno']
    if (!spec.files) report(place, 'is for rules of Kyverno, which are in `files`')
    checkWhere(kyverno, place, report)
  }
  signatures?.forEach((rule, index) => {
    const place = ['spec', 'images', 'signatures', index]
    if (!rule.keys && !rule.identities) report(place, 'needs `keys` or `identities`')
    if (rule.identities && rule.trustedRoot === undefined) {
      report(place, '`identities` need `trustedRoot`, a file that says who vouches for them')
    }
    if (rule.trustedRoot !== undefined && !rule.identities) {
      report([...place, 'trustedRoot'], 'goes with `identities`')
    }
    checkWhere(rule, place, report)
    rule.attestation?.conditions?.forEach((condition, at) => {
      const why = whyBadCondition(condition)
      if (why) report([...place, 'attestation', 'conditions', at], why)
    })
    rule.keys?.forEach((path, at) => checkInside(path, [...place, 'keys', at], report))
  })
  checkNames(spec.projects, names.projects, 'Project', ['spec', 'projects'], report)
  checkPickers(spec.clusterSelector, 'clusterSelector', spec, ['spec'], names, report)
  checkPickers(spec.applicationSelector, 'applicationSelector', {}, ['spec'], names, report)
  spec.files?.forEach((file, index) => checkInside(file, ['spec', 'files', index], report))
  spec.exceptions?.forEach((exception, index) => {
    if (Object.keys(exception).length === 1) {
      report(
        ['spec', 'exceptions', index],
        'excepts everything: give `application`, `kind`, `namespace` or `name`',
      )
    }
  })
}

/** Files and registries that signatures are taken from. */
function checkWhere(
  where: { readonly trustedRoot?: string; readonly layout?: string; readonly credential?: string },
  place: readonly (string | number)[],
  report: Report,
): void {
  if (where.layout !== undefined && where.credential !== undefined) {
    report([...place, 'credential'], 'is for a registry, and `layout` is in the fleet repository')
  }
  for (const name of ['trustedRoot', 'layout'] as const) {
    const path = where[name]
    if (path !== undefined) checkInside(path, [...place, name], report)
  }
}

function whyBadCondition(text: string): string | undefined {
  try {
    parseCel(text, attestationVariables)
    return undefined
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return `character ${error.offset + 1}: ${error.message}`
  }
}

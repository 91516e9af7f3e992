/** Expressions of CEL over an object, as authors of health checks and gates write them; many have no answer. */
export function createExpressions(random: () => number, count: number): readonly string[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const whole = (): string => String(Math.floor(random() * 6) - 1)

  const numbers = [
    'object.spec.replicas',
    'object.state.replicas',
    'object.state.ready',
    'object.state.observedGeneration',
    'object.spec.generation',
    'object.spec.size',
    'object.spec.absent',
  ]
  const texts = [
    'object.spec.name',
    'object.state.phase',
    'object.metadata.name',
    'object.metadata.labels.app',
    'object.metadata.labels["app"]',
    'object.kind',
    'object.state.reason',
  ]
  const lists = ['object.spec.tags', 'object.spec.empty', 'object.metadata.finalizers']
  const paths = [
    'object.state',
    'object.state.phase',
    'object.state.conditions',
    'object.spec.absent',
    'object.spec.replicas',
    'object.metadata.labels.app',
    'object.metadata.annotations',
  ]

  const number = (depth: number): string => {
    if (depth <= 0 || random() < 0.5) return random() < 0.5 ? pick(numbers) : whole()
    return pick([
      () => `(${number(depth - 1)} ${pick(['+', '-', '*', '/', '%'])} ${number(depth - 1)})`,
      () => `size(${list()})`,
      () => `${text(0)}.size()`,
      () => `int(${pick([number(0), '"3"', 'object.spec.name'])})`,
      () => `(${bool(depth - 1)} ? ${number(depth - 1)} : ${number(depth - 1)})`,
      () => `object.state.conditions.filter(c, ${condition()}).size()`,
      () => `-${number(0)}`,
      () => '2.5',
    ])()
  }
  const text = (depth: number): string => {
    if (depth <= 0 || random() < 0.6) {
      return random() < 0.6 ? pick(texts) : pick(['"web"', '"Running"', '""', "'w'", '"db-0"'])
    }
    return pick([
      () => `(${text(depth - 1)} + ${text(depth - 1)})`,
      () => `string(${number(0)})`,
      () => `object.spec.tags[${whole()}]`,
      () => `object.spec.tags.map(t, t + "!")[0]`,
      () => `object.state.conditions[0].${pick(['type', 'reason', 'message'])}`,
    ])()
  }
  const list = (): string =>
    pick(
      [
        ...lists,
        () => `[${text(0)}, ${text(0)}]`,
        () => `object.spec.tags.filter(t, t ${pick(['==', '!=', '<'])} "b")`,
        () => `object.state.conditions.map(c, c.type)`,
        () => `(object.spec.tags + ["d"])`,
      ].map((one) => (typeof one === 'string' ? () => one : one)),
    )()
  const condition = (): string =>
    pick([
      () => `c.type == ${pick(['"Ready"', '"Synced"', '"Gone"'])}`,
      () => `c.status == "True"`,
      () => `has(c.observedGeneration) && c.observedGeneration == object.spec.generation`,
      () => `c.reason.startsWith(${pick(['"All"', '"W"', '""'])})`,
      () => `c.type == "Ready" && c.status == ${pick(['"True"', '"False"'])}`,
    ])()
  const bool = (depth: number): string => {
    if (depth <= 0) {
      return pick([
        () => `has(${pick(paths)})`,
        () => `${number(0)} ${pick(['==', '!=', '<', '<=', '>', '>='])} ${number(0)}`,
        () => `${text(0)} ${pick(['==', '!=', '<'])} ${text(0)}`,
        () => pick(['object.spec.paused', 'true', 'false']),
      ])()
    }
    return pick([
      () => `(${bool(depth - 1)} ${pick(['&&', '||'])} ${bool(depth - 1)})`,
      () => `!(${bool(depth - 1)})`,
      () => `(${bool(depth - 1)} ? ${bool(depth - 1)} : ${bool(depth - 1)})`,
      () => `object.state.conditions.${pick(['exists', 'all', 'exists_one'])}(c, ${condition()})`,
      () => `object.spec.tags.${pick(['exists', 'all'])}(t, t ${pick(['==', '!=', '<'])} "b")`,
      () => `${text(0)} in ${list()}`,
      () => `"app" in object.metadata.labels`,
      () => `${text(1)}.${pick(['startsWith', 'endsWith', 'contains'])}(${text(0)})`,
      () => `${text(0)}.matches(${pick(['"^[a-z]+$"', '"-[0-9]"', '"R.*g"', '""'])})`,
      () => `${number(depth - 1)} ${pick(['==', '!=', '<', '<=', '>', '>='])} ${number(depth - 1)}`,
      () => `${text(1)} ${pick(['==', '!='])} ${text(1)}`,
      () => `${list()} == ${list()}`,
      () => `object.metadata.labels == {"app": ${text(0)}}`,
      () => `size(${list()}) ${pick(['==', '>'])} ${whole()}`,
      () => `type(${number(0)}) == ${pick(['int', 'double', 'string'])}`,
      () => `${number(0)} == ${text(0)}`,
    ])()
  }
  const made = new Set<string>()
  while (made.size < count) made.add(bool(1 + Math.floor(random() * 3)))
  return [...made]
}

import { connectRedis } from '../../hub/redis.ts'
import { type FormatMark, type UpgradeStep, upgrade } from '../../hub/upgrade/format.ts'
import { createDirectoryMark, listDirectorySteps } from '../../hub/upgrade/fs.ts'
import { createRedisMark, listRedisSteps } from '../../hub/upgrade/redis.ts'

/* Upgrades what a hub keeps, as a hub does, and is killed (SIGKILL) at the point that is asked for. */

const [url = '', prefix = '', directory = '', last = ''] = process.argv.slice(2)
let points = 0

/** Points are counted: one before each thing that is done, and one in the end. */
async function passPoint<T>(act: () => Promise<T>): Promise<T> {
  points += 1
  if (points > Number(last)) process.kill(process.pid, 'SIGKILL')
  return act()
}

const redis = await connectRedis(url)
const evaluate = redis.eval.bind(redis) as (...words: unknown[]) => Promise<unknown>
Object.assign(redis, { eval: (...words: unknown[]) => passPoint(() => evaluate(...words)) })

async function upgradeAll(mark: FormatMark, steps: readonly UpgradeStep[]): Promise<void> {
  await upgrade(
    { ...mark, record: (next) => passPoint(() => mark.record(next)) },
    steps.map((step) => ({ ...step, run: () => passPoint(() => step.run()) })),
    (message) => process.stdout.write(`${message}\n`),
  )
}

await upgradeAll(createDirectoryMark(directory), listDirectorySteps(directory))
await upgradeAll(createRedisMark(redis, prefix), listRedisSteps(redis, prefix))
await passPoint(async () => redis.disconnect())
process.stdout.write(`points ${points}\n`)

import { writeFileSync } from 'node:fs'
import { generateVectors } from './generate.ts'

/* Writes the vectors anew beside this file: node test/vectors/write.ts */

for (const [name, text] of generateVectors()) {
  writeFileSync(new URL(name, import.meta.url), text)
}

import type { AnyClass } from './class.ts'
import { metadataOf } from './metadata.ts'
import { missingParameters } from './parameters.ts'
import { isDeclared } from './provider.ts'
import { constructorOf } from './source.ts'

const LIST = 'list a token for each parameter, as in static inject = [GuestList, CLOCK]'
const FIELD = 'ask in a field, as in guests = inject(GuestList)'
const OPTIONS = '"experimentalDecorators" and "emitDecoratorMetadata"'
const COMPILE =
  `compile with ${OPTIONS} (tsc, swc, Deno, or Bun with tsconfig.json in the current directory; esbuild and tsx write ` +
  'no types)'
const COPIES =
  'another copy of reflect-metadata, older than 0.1.12, was loaded after the class. Have only one that is newer: ' +
  'npm install reflect-metadata@0.2 (npm ls reflect-metadata tells who brings the old one); or import the old one first.'

/** What to say of a class whose constructor has parameters of which nothing is known, and what to do about it. */
export function untyped(target: AnyClass): string {
  const { owner, missing, list, isHidden } = missingParameters(target)
  const names = constructorOf(owner)?.names ?? []
  const positions = missing.map((i) => `${i + 1}${names[i] === undefined ? '' : ` (${names[i]})`}`)
  const ofBase = owner === target ? '' : `, which ${target.name} inherits`
  if (isHidden)
    return `nobody can read any more what to inject into ${owner.name}'s constructor${ofBase}: ${COPIES}`
  return (
    `nothing says what to inject as ${positions.length > 1 ? 'parameters' : 'parameter'} ${enumerate(positions)} of ` +
    `${owner.name}'s constructor${ofBase}. ${remedy(owner, list)}`
  )
}

function remedy(owner: AnyClass, list: readonly unknown[] | undefined): string {
  if (list !== undefined)
    return `Its static inject has ${list.length} of ${owner.length}: list one token for each, in their order.`
  if (metadataOf(owner) !== undefined) {
    return (
      `It was compiled with standard decorators, which know no types and no @Inject: ${LIST}; or ${FIELD}; or compile ` +
      `with ${OPTIONS}.`
    )
  }
  if (isDeclared(owner)) {
    return (
      `Its decorators were compiled without the types of parameters: ${COMPILE}; or give every parameter its ` +
      `@Inject(token); or ${LIST}; or ${FIELD}.`
    )
  }
  return `It is marked neither @Injectable() nor @Gateway(): mark it, and ${COMPILE}; or ${LIST}; or ${FIELD}.`
}

function enumerate(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

// @ts-check
// Reads the JUnit file that `bun test` writes.

/** @typedef {{ passed: number, failed: number, skipped: number }} Count */

/**
 * @param {string} xml
 * @returns {Map<string, Count>} by path of the test file; one without a test case has no entry
 */
export function readResults(xml) {
  const results = new Map()
  for (const { file, body } of testcases(xml)) {
    const count = results.get(file) ?? { passed: 0, failed: 0, skipped: 0 }
    results.set(file, count)
    if (/<(failure|error)\b/.test(body)) count.failed++
    else if (body.includes('<skipped')) count.skipped++
    else count.passed++
  }
  return results
}

/**
 * @param {string} xml
 * @returns {Map<string, { cases: number, exceptions: number }>} by the runtime that the black-box suite was put to; exceptions
 *   are cases of something that the runtime cannot do, and does otherwise
 */
export function readBlackBox(xml) {
  const boxes = new Map()
  for (const { file, name } of testcases(xml)) {
    const runtime = file.match(/^test\/blackbox\/(\w+)\.test\.ts$/)?.[1]
    if (runtime === undefined) continue
    const box = boxes.get(runtime) ?? { cases: 0, exceptions: 0 }
    boxes.set(runtime, box)
    box.cases++
    if (name.includes('[docs/runtimes.md: ')) box.exceptions++
  }
  return boxes
}

/** @param {string} xml */
function* testcases(xml) {
  // Bun escapes < > and " in attributes and text, so a tag ends at the first > and an attribute at the first ".
  const testcase = /<testcase\b([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs
  for (const [, attributes = '', body = ''] of xml.matchAll(testcase)) {
    const file = attributes.match(/ file="([^"]*)"/)?.[1]?.replaceAll('\\', '/') ?? ''
    const name = attributes.match(/ name="([^"]*)"/)?.[1] ?? ''
    yield { file, name, body }
  }
}

/**
 * @param {Map<string, Count>} results
 * @returns {Count}
 */
export function total(results) {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  for (const { passed, failed, skipped } of results.values()) {
    sum.passed += passed
    sum.failed += failed
    sum.skipped += skipped
  }
  return sum
}

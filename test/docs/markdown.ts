/** A fenced block of a Markdown text. */
export interface Block {
  /** What stands behind the backticks: `ts file=chat.ts`, `frames /chat`. */
  info: string
  text: string
  /** Of its first line of text in the file, from 1. */
  line: number
  /** The headings above it, the nearest last. */
  headings: readonly string[]
}

/** A Markdown text, as far as the tests read it. */
export interface Page {
  /** From the root of the project. */
  path: string
  text: string
  blocks: Block[]
  headings: string[]
  /** The targets of its links, outside of fenced blocks. */
  links: { target: string; line: number }[]
  /** The cells of its tables' rows, without the head, by the heading above the table. */
  rows: Map<string, string[][]>
}

/** Reads a page. Throws for a fence that nobody closes. */
export function readPage(path: string, text: string): Page {
  const page: Page = { path, text, blocks: [], headings: [], links: [], rows: new Map() }
  let above: { level: number; title: string }[] = []
  let fence: (Block & { lines: string[] }) | undefined

  for (const [i, line] of text.split('\n').entries()) {
    const ticks = /^```(.*)$/.exec(line)
    if (fence !== undefined) {
      if (ticks === null) fence.lines.push(line)
      else {
        page.blocks.push({ ...fence, text: fence.lines.join('\n') })
        fence = undefined
      }
      continue
    }
    if (ticks !== null) {
      const headings = above.map(({ title }) => title)
      fence = { info: ticks[1]?.trim() ?? '', text: '', lines: [], line: i + 2, headings }
      continue
    }
    const heading = /^(#+) (.*)$/.exec(line)
    if (heading !== null) {
      const [, marks = '', title = ''] = heading
      above = [...above.filter(({ level }) => level < marks.length), { level: marks.length, title }]
      page.headings.push(title)
    }
    const prose = line.replace(/`[^`]*`/g, '')
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) page.links.push({ target, line: i + 1 })
    if (line.startsWith('|')) addRow(page, above.at(-1)?.title ?? '', line)
  }
  if (fence !== undefined) throw new Error(`${path}:${fence.line - 1}: this fence is not closed`)
  return page
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

function addRow(page: Page, heading: string, line: string): void {
  const rows = page.rows.get(heading) ?? []
  page.rows.set(heading, rows)
  // The rule below the head marks it as one.
  if (/^\|[\s|:-]+\|$/.test(line)) rows.pop()
  else
    rows.push(
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

import ts from 'typescript'

/** One import of a file, in whatever form: import, export from, import(), import('…').Type, require. */
export interface Import {
  specifier: string
  /** Gone at run time. `import { type A }` is not: with verbatimModuleSyntax, the module is still loaded. */
  isTypeOnly: boolean
}

/** What the rules want to know of a file. */
export interface Source {
  imports: Import[]
  /** All identifiers of its code; comments and strings have none. */
  identifiers: Set<string>
  lines: number
}

/** Reads a file with TypeScript's own parser. */
export function readSource(path: string, text: string): Source {
  const imports: Import[] = []
  const identifiers = new Set<string>()

  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      imports.push({ specifier: specifier.text, isTypeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) identifiers.add(node.text)
    else if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isExternalModuleReference(node)) add(node.expression, false)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && loadsModule(node.expression)) add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false))
  return { imports, identifiers, lines: text.replace(/\n$/, '').split('\n').length }
}

function loadsModule(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

/** Takes what people put into a query out of its text: literals may be passwords, names and addresses. */

/** Comments, quoted names, literals in all their forms; one that is cut off ends with the text. Source: "Lexical Structure". */
const TOKENS =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"]|"")*(?:"|$)|\b[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|\$([A-Za-z_]\w*)?\$[\s\S]*?(?:\$\1\$|$)/g;

/** The query on one line, its text literals as `'…'` and its comments left out. */
export function maskQuery(query: string): string {
  const masked = query.replace(TOKENS, (token) => {
    if (token.startsWith('--') || token.startsWith('/*')) return ' ';
    return token.startsWith('"') ? token : "'…'";
  });
  return masked.replace(/\s+/g, ' ').trim();
}

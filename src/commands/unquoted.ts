/** A word as it stands on a command line, which may not be complete yet, without its quotes. */
export function unquoted(word: string): string {
  let text = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const char = word[at] ?? '';
    const next = word[at + 1];
    if (quote === "'") {
      if (char === "'") quote = '';
      else text += char;
    } else if (char === '\\' && next !== undefined) {
      // Between double quotes it stands for itself but before these.
      text += quote === '"' && !/["\\$`\n]/.test(next) ? char + next : next;
      at++;
    } else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else text += char;
  }
  return text;
}

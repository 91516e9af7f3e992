/**
 * One letter beyond Latin 1 and V8 keeps the whole text at two bytes a letter, as long as the program lives;
 * esbuild leaves them in regular expressions.
 *
 * @param {string} code
 * @returns {string}
 */
export function escapeLetters(code) {
  return code.replace(/[\u0080-\uffff]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** After CSS Syntax 3, 4.3.7: the number of a character with one blank behind it, or the character itself; nothing at a line's end. */
export function unescapeCss(text: string): string {
  return text.replace(
    /\\(?:([\da-f]{1,6})(?:\r\n|\s)?|\r\n|([^]))/gi,
    (_, hex: string | undefined, sign: string | undefined) => {
      if (hex !== undefined) return parseInt(hex, 16) > 0x10ffff ? '\ufffd' : String.fromCodePoint(parseInt(hex, 16));
      return sign === undefined || /[\n\r\f]/.test(sign) ? '' : sign;
    },
  );
}

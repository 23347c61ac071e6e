/** Words that only sentences have; names, options and addresses do not. */
const WORDS =
  /(?<![-\w.:/])(the|is|are|of|not|no|this|that|it|its|by|with|for|has|have|answers|sends|taken|through|packet|connection|reply)(?![-\w.:/])/

/** Is there English left in a sentence that should be Chinese? What a program prints is quoted in brackets. */
export const hasEnglish = (text: string): boolean => WORDS.test(text.replace(/（[^）]*）|“[^”]*”|echo reply/g, ''))

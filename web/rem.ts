/** How much larger than usual the page's type is, on a large screen or by the reader's own choice. */
export const enlarged = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16

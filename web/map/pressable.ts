/** What makes a shape a button, for the mouse and for the keyboard. */
export const pressable = (action: (() => void) | undefined) =>
  action && {
    role: 'button' as const,
    // in SVG the names of attributes are case-sensitive
    tabindex: 0,
    onClick: action,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Enter' && event.key !== ' ') return
      event.preventDefault()
      action()
    },
  }

/** A sentence of the engine in the chosen language. */
export const say = (text: string): string => text

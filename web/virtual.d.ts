declare module 'virtual:sample/*' {
  const files: import('./engine/engine.js').TextFile[]
  export default files
}

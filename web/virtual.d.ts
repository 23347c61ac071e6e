declare module 'virtual:sample/*' {
  const files: import('./engine/protocol.js').TextFile[]
  export default files
}

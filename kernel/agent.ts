export * from '../src/cli/verify/agent.js'

// Batteries included. What is to be left out is chosen from `@budao/miniprogram/core`.
export * from './core.ts'
export { Client, createClient, type ClientOptions, type LoginOptions } from './full-client.ts'

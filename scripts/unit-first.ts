import { loadHalf } from './unit.ts'

await loadHalf(0)

import { loadHalf } from './unit.ts'

await loadHalf(1)

import { loadPart } from '../unit.ts'

await loadPart(1)

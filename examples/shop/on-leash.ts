/** Loaded with `--import` into every process the demo starts, whatever program it runs. */
import { holdLeash } from './leash.ts'

holdLeash()

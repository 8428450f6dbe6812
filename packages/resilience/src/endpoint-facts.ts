import type { Cells } from './cells.ts'
import { SharedEndpointLoad } from './endpoint-load.ts'
import type { EndpointLoadOptions } from './endpoint-load.ts'
import { HealthCell } from './health-state.ts'
import { Outlier } from './outlier.ts'
import type { OutlierOptions } from './outlier.ts'

/** What all threads know of one endpoint: its verdict, ejection, drain, kept weight and load, side by side in the cells. */
export class EndpointFacts {
  static cellsFor(workers = 1): number {
    return loadCells + SharedEndpointLoad.cellsFor(workers)
  }

  readonly health: HealthCell
  readonly outlier: Outlier
  readonly load: SharedEndpointLoad
  readonly #cells: Cells
  readonly #offset: number

  constructor(
    cells: Cells,
    options: EndpointLoadOptions & { readonly outlier?: OutlierOptions | undefined },
    offset = 0,
  ) {
    this.#cells = cells
    this.#offset = offset
    this.health = new HealthCell(cells, offset + healthCell)
    this.outlier = new Outlier(cells, options.outlier, offset + outlierCells)
    this.load = new SharedEndpointLoad(cells, options, offset + loadCells)
  }

  get draining(): boolean {
    return this.#cells.load(this.#offset) !== 0
  }

  set draining(draining: boolean) {
    this.#cells.store(this.#offset, draining ? 1 : 0)
  }

  /** What it keeps of its weight, percent from 1 to 100: less than all where its site is slow. */
  get keptPercent(): number {
    return 100 - this.#cells.load(this.#offset + shedCell)
  }

  set keptPercent(percent: number) {
    this.#cells.store(this.#offset + shedCell, 100 - percent)
  }
}

const shedCell = 1
const healthCell = 2
const outlierCells = healthCell + HealthCell.cellsFor()
const loadCells = outlierCells + Outlier.cellsFor()

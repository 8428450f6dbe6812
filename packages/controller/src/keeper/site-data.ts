/** How far the data of this site is, as whoever keeps it says. */
export interface DataPosition {
  /** Writes applied, counted along the log of the unit’s owner. */
  readonly position: number
  /** The epoch of the owner whose log this site’s own was last found to be a beginning of; 0: unknown. */
  readonly epoch: number
  /** Everything the owner acknowledged before so many milliseconds ago is here; null: unknown. */
  readonly lagMs: number | null
  /** Rows known to differ from the owner’s. */
  readonly divergence: number
  /** Requests a second the site can carry, against what the service needs, percent. */
  readonly capacityPercent: number
  /** At the owner: sites without whose durable answer nothing is acknowledged here. */
  readonly inSync: readonly string[]
}

/** What a question is about. */
export interface DataQuestion {
  readonly unit: string
  readonly service: string
  readonly site: string
  /** The newest epoch known here, and where it is. */
  readonly epoch: number
  readonly owner: string | null
  /** Whom the stored lease names as in sync: who stops waiting for a site waits until it is gone from here. */
  readonly inSync: readonly string[]
}

/** Null: done; else why not, in a sentence. */
export type DataResult = string | null

/** The data of one service at this site, behind an interface: Budao moves the right to write, never rows. */
export interface SiteData {
  /** Everything every site has acknowledged is here, always: the sites share one database. */
  readonly shared: boolean
  /** Null when it cannot be said now. Never rejects. */
  position(question: DataQuestion): Promise<DataPosition | null>
  /** Brings the data back to its last consistent position. */
  restore(question: DataQuestion): Promise<DataResult>
  /** Replays from the owner until nothing is missing. */
  catchUp(question: DataQuestion): Promise<DataResult>
  /** Answers reads beside the owner, for comparison. */
  shadow(question: DataQuestion): Promise<DataResult>
  /** Nothing of the question’s epoch or a lower one is written here any more. Absent: nobody keeps epochs there. */
  fence?(question: DataQuestion): Promise<DataResult>
  /** This site is about to take the question’s epoch; why it must not, as things are. Absent: nobody is asked. */
  claim?(question: DataQuestion): Promise<DataResult>
}

const nowhere = { position: 0, divergence: 0, capacityPercent: 100, inSync: [] }

/** Nobody says how far the data is: what a move may lose is unknown, and a planned one waits for nothing. */
export const unknownData: SiteData = {
  shared: false,
  position: async ({ epoch }) => ({ ...nowhere, epoch, lagMs: null }),
  restore: async () => 'nothing here can bring the data back: services.<name>.data says no hook',
  catchUp: async () => null,
  shadow: async () => null,
}

/** All sites write to one database, which has what any of them acknowledged. */
export const sharedData: SiteData = {
  shared: true,
  position: async ({ epoch }) => ({ ...nowhere, epoch, lagMs: 0 }),
  restore: async () => null,
  catchUp: async () => null,
  shadow: async () => null,
}

import type { Agent } from 'node:https'
import type { AcmeConfig } from '@budao/model'

/** Of one request to a directory. */
const REQUEST_MS = 30_000
/** Larger answers are no certificates. */
const ANSWER_BYTES_MAX = 1_048_576
/** How often the directory is asked whether it is done: about two minutes in all. */
const POLLS = { backoffAttempts: 20, backoffMin: 500, backoffMax: 10_000 }

export interface AcmeOrder {
  readonly config: AcmeConfig
  readonly accountKey: string
  /** Authority of the directory, PEM. Absent: the public ones. */
  readonly ca: string | undefined
  /** Resolves once the directory will be answered so. */
  present(token: string, answer: string): Promise<void>
  withdraw(token: string): Promise<void>
}

type AcmeModule = typeof import('acme-client')

let loaded: Promise<AcmeModule> | undefined
/** Of directories with an authority of their own, by host. */
const agents: Map<string, Agent> = new Map()

/** A new key for an account or certificate, PEM. */
export async function newKey(): Promise<string> {
  const { crypto } = await acmeModule()
  return (await crypto.createPrivateEcdsaKey('P-256')).toString()
}

/** Has a directory issue a certificate. Returns chain and private key, PEM; rejects with what the directory said. */
export async function orderCertificate(order: AcmeOrder): Promise<string> {
  const { Client, crypto } = await acmeModule()
  const { Agent: HttpsAgent } = process.getBuiltinModule('node:https')
  const { directory, email, hosts } = order.config
  const { host } = new URL(directory)
  if (order.ca === undefined) agents.delete(host)
  else agents.set(host, new HttpsAgent({ ca: order.ca }))
  const client = new Client({ directoryUrl: directory, accountKey: order.accountKey, ...POLLS })
  const [key, csr] = await crypto.createCsr({ altNames: [...hosts] }, await newKey())
  const chain = await client.auto({
    csr,
    ...(email === undefined ? {} : { email }),
    termsOfServiceAgreed: true,
    challengePriority: ['http-01'],
    // It would ask port 80 of the name itself, from here: what counts is what the directory sees.
    skipChallengeVerification: true,
    challengeCreateFn: async (_, { type, token }, answer) => {
      if (type !== 'http-01') throw new Error(`the directory offers ${type}, not http-01`)
      await order.present(token, answer)
    },
    challengeRemoveFn: (_, { token }) => order.withdraw(token),
  })
  return `${chain.trim()}\n${key.toString()}`
}

/** Loaded with the first order: the process grows by 15 MB with it. */
function acmeModule(): Promise<AcmeModule> {
  loaded ??= import('acme-client').then((acme) => {
    const { axios } = acme
    // Failed orders are made anew, later each time. What the library tries by itself would delay the word of it by a
    // minute, and loses what was wrong with the connection.
    axios.interceptors.request.clear()
    axios.interceptors.response.clear()
    axios.interceptors.request.use((request) => {
      const agent = agents.get(new URL(request.url!).host)
      Object.assign(request, { timeout: REQUEST_MS, maxContentLength: ANSWER_BYTES_MAX, maxRedirects: 0 })
      if (agent !== undefined) request.httpsAgent = agent
      return request
    })
    return acme
  })
  return loaded
}

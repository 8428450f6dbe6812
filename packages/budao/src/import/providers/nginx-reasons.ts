import { wordIn } from '@budao/model'
import type { NoteKind } from '../imported.ts'

type Reason = readonly [kind: NoteKind, reason: string]

const here: Reason = ['default', 'the process is run otherwise here']
const always: Reason = ['default', 'Budao does so anyway']
const streams: Reason = ['changed', 'bodies stream both ways with back-pressure; nothing is buffered on disk']
const files: Reason = ['lost', 'Budao serves no files']
const access: Reason = ['lost', 'this guards access and is not carried over: without it anybody gets through']
const values: Reason = ['lost', 'variables cannot be computed']
const script: Reason = ['lost', 'scripts are not run; write a filter of the kind module']

/** Why a directive that nobody has carried over was not, by name or by the beginning of its name. */
const reasons: Readonly<Record<string, Reason>> = {
  user: here,
  pid: here,
  daemon: here,
  master_process: here,
  worker_: here,
  thread_pool: here,
  load_module: here,
  events: here,
  pcre_jit: here,
  error_log: here,
  lock_file: here,
  env: here,
  multi_accept: here,
  use: here,
  sendfile: here,
  tcp_: here,
  aio: here,
  directio: here,
  types: here,
  types_hash_: here,
  server_names_hash_: here,
  variables_hash_: here,
  proxy_headers_hash_: here,
  default_type: files,
  charset: files,
  server_tokens: always,
  proxy_http_version: always,
  keepalive: always,
  keepalive_requests: always,
  keepalive_time: always,
  keepalive_disable: always,
  merge_slashes: ['changed', 'slashes are never merged'],
  underscores_in_headers: ['changed', 'headers with an underscore are passed on'],
  ignore_invalid_headers: ['changed', 'invalid headers are refused with 400'],
  zone: always,
  reset_timedout_connection: always,
  server_name_in_redirect: always,
  absolute_redirect: always,
  port_in_redirect: always,
  msie_: always,
  proxy_buffer: streams,
  proxy_busy_: streams,
  proxy_request_buffering: streams,
  proxy_max_temp_: streams,
  proxy_temp_: streams,
  client_body_buffer_size: streams,
  client_body_in_: streams,
  client_body_temp_: streams,
  client_header_buffer_size: always,
  access_log: ['lost', 'add the filter accessLog to the routes'],
  log_format: ['lost', 'the filter accessLog writes JSON'],
  root: files,
  alias: files,
  index: files,
  autoindex: files,
  try_files: files,
  expires: files,
  etag: files,
  if_modified_since: files,
  open_file_cache: files,
  gzip: ['lost', 'answers are not compressed'],
  gunzip: ['lost', 'answers are not compressed'],
  proxy_cache: ['lost', 'caching is set up by hand: see cache in the reference'],
  proxy_no_cache: ['lost', 'caching is set up by hand: see cache in the reference'],
  proxy_ssl_: ['lost', 'TLS to endpoints is set up by hand: see tls of a service'],
  ssl_: ['lost', 'TLS is set up by hand: see tls of a listener'],
  auth_: access,
  allow: access,
  deny: access,
  satisfy: access,
  secure_link: access,
  limit_except: access,
  limit_conn: ['lost', 'connections are limited for each listener, not for each client'],
  limit_rate: ['lost', 'bandwidth is not limited'],
  error_page: ['lost', 'see fallback of a route'],
  proxy_intercept_errors: ['lost', 'see fallback of a route'],
  recursive_error_pages: ['lost', 'see fallback of a route'],
  if: ['lost', 'conditions are not carried over: write a match on headers, query or cookies'],
  set: values,
  map: values,
  geo: values,
  split_clients: values,
  mirror: ['lost', 'see mirror of a route'],
  sub_filter: ['lost', 'bodies are not changed'],
  add_trailer: ['lost', 'trailers are not added'],
  fastcgi_: ['lost', 'only HTTP backends are spoken to'],
  uwsgi_: ['lost', 'only HTTP backends are spoken to'],
  scgi_: ['lost', 'only HTTP backends are spoken to'],
  grpc_: ['lost', 'only HTTP backends are spoken to'],
  memcached_: ['lost', 'only HTTP backends are spoken to'],
  stub_status: ['lost', 'see /metrics of the admin API'],
  resolver: ['default', 'the resolver of the system is asked'],
  stream: ['lost', 'only http is imported: see listeners with protocol tcp'],
  mail: ['lost', 'only http is imported'],
  js_: script,
  perl_: script,
  perl: script,
}

/** Directives whose block matters only as a whole. */
export const opaque: ReadonlySet<string> = new Set([
  'events',
  'types',
  'if',
  'map',
  'geo',
  'split_clients',
  'stream',
  'mail',
  'limit_except',
  'location',
  'upstream',
  'server',
])

/** Why a directive is not carried over. */
export function reasonFor(name: string, args: readonly string[]): Reason {
  // What is turned off is not missed.
  if (args.length === 1 && args[0] === 'off') return ['default', 'is off here too']
  const exact = wordIn(reasons, name)
  if (exact !== undefined) return exact
  const prefix = Object.keys(reasons)
    .filter((each) => name.startsWith(each) && (each.endsWith('_') || name[each.length] === '_'))
    .toSorted((a, b) => b.length - a.length)[0]
  if (prefix !== undefined) return reasons[prefix]!
  return /_by_lua/.test(name) ? script : ['lost', 'has no counterpart']
}

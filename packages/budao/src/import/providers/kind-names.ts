// Apart from the kinds themselves: help texts name them, and the command starts without loading any.

/** Names of what can be imported. */
export const kindNames = ['nginx', 'hystrix', 'gateway-api', 'istio', 'keepalived'] as const

/** Examples of the command's help. */
export const importExamples = `  $ budao import nginx /etc/nginx/nginx.conf -o budao.yaml
  $ budao import hystrix application.properties --strict
  $ budao import gateway-api routes.yaml --endpoints endpoints.yaml
  $ budao import istio virtual-service.yaml
  $ budao import keepalived /etc/keepalived/keepalived.conf`

/** An example of a file beside the configuration. */
export const besideExample = 'nginx:/etc/nginx/nginx.conf'

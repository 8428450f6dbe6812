/** What the API answers, in OpenAPI 3.1. Served as `/api/v1/openapi.json`. */
export const openapi: { readonly openapi: string } = { openapi: '3.1.0' }

/** In place of a package that alova's retry does not use, and that asks for Node. */
export function RateLimiterRes(): void {}
export default function RateLimiterStoreAbstract(): void {}

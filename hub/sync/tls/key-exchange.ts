/** How keys are agreed on: X25519 alone, or with ML-KEM-768, which takes 1.1 KB more each way. */
export const keyExchanges = ['classic', 'hybrid'] as const
export type KeyExchange = (typeof keyExchanges)[number]

/**
 * Header of a stream by which an agent only tries whether it would be let in: the hub checks it and its
 * hello as ever and welcomes it, and the stream that its cluster has stays the one that counts.
 */
export const rehearsalHeader = 'groundswell-rehearsal'

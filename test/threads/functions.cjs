// @ts-check
/** A CommonJS module whose exports Node cannot name without running it. */
module.exports = Object.fromEntries([['triple', (/** @type {number} */ input) => input * 3]])

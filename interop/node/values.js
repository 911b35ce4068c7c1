// Values that a router must hand on without a change.

export const UNICODE = 'Grüße, мир, 世界 🐘 e\u0301 \u200b " \\ \n \x7f';
export const BINARY = Buffer.from('10e3ff9053075c526f5fc06d4fe37cdb', 'hex');
export const BINARY_IN_JSON = '\u0000EOP/kFMHXFJvX8BtT+N82w==';

// The edges of int32 and of what a number in JavaScript holds exactly.
export const INTEGERS = [0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53];
export const BIGINTS = [2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];

export const NESTED = { list: [1, [2, [3, { deep: null }]]], yes: true, no: false, half: 0.5, empty: [{}, [], ''] };

import { bls12_381 } from "@noble/curves/bls12-381.js";
const { shortSignatures: short } = bls12_381;
const DST = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
globalThis.laobanBls = {
  // Whether `key` (G2, hex) signed `message` (bytes); the signature is on G1 (hex).
  verify(key, message, signature) {
    try {
      return short.verify(signature, short.hash(message, DST), key);
    } catch {
      return false;
    }
  },
};

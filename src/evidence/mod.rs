//! Cryptographic fact, no opinion: DSSE, bundle, checkpoint, Merkle tree, keys.

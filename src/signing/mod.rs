//! Signers, statements, and an authority for tests and the demo that can sign right and wrong.

//! The in-memory twin of the port.
